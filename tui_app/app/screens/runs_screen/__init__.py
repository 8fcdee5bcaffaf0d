"""The screen of all runs, with its actions in files of their own."""
