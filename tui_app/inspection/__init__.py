"""Looks into a model: probes, the diagnosis, and what both need of a run."""
