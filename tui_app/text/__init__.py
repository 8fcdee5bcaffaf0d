"""Plain text: quantities, cutting to cells, escaping of control codes."""
