"""Lecture files of the user's: read, checked for trust, imported, and their mistakes explained."""
