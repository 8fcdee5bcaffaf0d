"""What the app's dialogs need of the user's own data. Knows no Textual."""
