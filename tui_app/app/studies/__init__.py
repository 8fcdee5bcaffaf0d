"""Searches that the app starts, and the studies that it reads."""
