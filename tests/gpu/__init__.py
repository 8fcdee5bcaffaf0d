"""Checks and measures everything that tutorch says of CUDA, on a machine with a GPU."""
