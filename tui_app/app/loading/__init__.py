"""Loads in threads what the form shows: a lecture, a run's settings, devices."""
