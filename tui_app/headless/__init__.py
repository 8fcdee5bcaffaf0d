"""Training without the app: `--no-tui`."""
