"""Searches for hyperparameters with Optuna: a study, its trials, and what they found."""
