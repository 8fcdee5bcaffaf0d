"""The app's theme, language and notices, and the preferences that it saves."""
