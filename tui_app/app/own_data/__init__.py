"""Prepares the user's own data for the app's dialogs. Doesn't import Textual."""
