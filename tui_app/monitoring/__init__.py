"""A run as screens know it, wherever it trains: its history, its control, its curves."""
