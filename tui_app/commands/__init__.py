"""One file per command of `tutorch`, each with `main(argv) -> int`."""
