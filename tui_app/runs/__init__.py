"""A run on disk: its folder, files, events, settings and errors. Knows nothing of training."""
