"""Draws into text: canvas, plots, images and lines. Doesn't depend on a terminal."""
