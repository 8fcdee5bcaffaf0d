"""Runs that break off for real reasons: `python -m tests.faults --trials 200`."""
