"""The widgets on the screens, one per file, each with its style."""
