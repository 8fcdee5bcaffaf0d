"""The settings form without its widgets: texts, edits, checks."""
