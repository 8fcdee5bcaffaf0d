"""Inspects models: probes, the diagnosis of a run, and what both read of it."""
