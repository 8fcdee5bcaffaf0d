"""What is loaded in a thread before the form can show it: a lecture, a run's settings, devices."""
