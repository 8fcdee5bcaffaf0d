"""How the app looks: its theme, language and notices, and what is remembered of them."""
