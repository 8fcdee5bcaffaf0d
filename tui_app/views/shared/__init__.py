"""Draws the parts that several views share: samples, descents, the steps of a graph."""
