"""Reduces the numbers of a run to the few points that a chart can show. Draws nothing."""
