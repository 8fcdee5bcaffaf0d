"""How screens know a run: its history and its control, wherever it trains."""
