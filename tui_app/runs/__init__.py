"""A run on disk: its folder, files, events, settings and errors. Doesn't import training."""
