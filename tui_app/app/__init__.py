"""The app, in Textual."""
