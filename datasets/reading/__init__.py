"""Turns files into arrays: tables, images, pickles, encodings, splits."""
