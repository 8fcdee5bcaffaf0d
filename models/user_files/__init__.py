"""Reads the user's lecture files, checks trust, imports them, and explains their errors."""
