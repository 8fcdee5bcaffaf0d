"""Removes passwords from URLs, which run.json and the screen would show."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(\w://[^\s:/@]*):[^\s/]*@")


def without_password(text: str) -> str:
    """The text with *** in the place of a URL's password."""
    return _PASSWORD.sub(r"\1:***@", text)
