"""The terminal app, written with Textual."""
