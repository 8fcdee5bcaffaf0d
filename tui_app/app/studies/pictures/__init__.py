"""Draws a study as lines of text: its curve, its settings, the importance of each, its trials."""
