"""The main screen, built up in layers: each adds one thing that its keys do."""
