"""Opens, reads and writes the files of a run folder safely."""
