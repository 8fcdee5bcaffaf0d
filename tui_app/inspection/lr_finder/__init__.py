"""Finds a learning rate: a pass with a rising lr, then short trials at constant ones."""
