"""The widgets on the screens, one a file, each with its style."""
