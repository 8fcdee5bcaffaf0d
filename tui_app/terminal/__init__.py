"""Handles the terminal and standard streams: printing, signals, filters, the app's driver."""
