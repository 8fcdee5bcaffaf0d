"""Draws into text: canvas, plots, images and lines. Knows no terminal."""
