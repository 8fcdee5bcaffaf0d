"""The app as a process on a terminal: signals, job control, and training that outlives it."""
