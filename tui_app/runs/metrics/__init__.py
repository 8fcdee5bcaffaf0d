"""metrics.jsonl: written, encoded, decoded and cut back."""
