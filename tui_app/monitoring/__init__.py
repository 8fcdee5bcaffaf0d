"""What screens read of a run, whichever process trains it: history, control, curves."""
