"""The table of runs, and what can be done with the runs in it."""
