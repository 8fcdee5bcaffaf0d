"""Handles plain text: numbers, cutting to cells, columns, ASCII signs, control codes."""
