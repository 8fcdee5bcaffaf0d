"""Injects real faults into runs: `python -m tests.faults --trials 200`."""
