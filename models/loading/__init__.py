"""Loads lectures from files, or writes a lecture file for a plain nn.Module."""
