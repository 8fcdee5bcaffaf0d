"""Counts and names the places of a view, and finds the place that a key leads to."""

from __future__ import annotations

from typing import Any

from tui_app.views.view import Frame, View

#: How many places each key moves by.
_MOVES = {"left": -1, "right": 1, "up": -1, "down": 1, "pageup": -10, "pagedown": 10}


def numbered_places(view: View, found: Any, frame: Frame) -> int:
    """How many places have a number; the overview has none."""
    return max(0, view.place_count(found, frame) - bool(view.overview))


def place_label(view: View, found: Any, frame: Frame) -> str:
    """The place that the frame is at: `layer 1 of 2`; empty where there is one at most."""
    count, noun = numbered_places(view, found, frame), view.place_noun or "place"
    if count <= (0 if view.overview else 1):
        return ""
    if view.scrolls:
        return f"lines {frame.at + 1} to {frame.at + frame.rows} of {count + frame.rows - 1}"
    if view.overview == "all" and not frame.at:
        return f"all {count} {noun}s" if count > 1 else f"all of 1 {noun}"
    number = frame.at or count if view.overview else frame.at + 1
    return f"{noun} {number} of {count}"


def place_after_key(view: View, found: Any, frame: Frame, key: str) -> int:
    """The place that `key` leads to from the frame's: an arrow, pageup, pagedown, home or end."""
    at, count, per_row = frame.at, numbered_places(view, found, frame), view.places_per_row(found)
    first = 1 if view.overview == "last" else 0
    last = count if view.overview else count - 1
    if view.overview == "last" and not at:
        at = last
    if key in ("up", "down") and per_row > 1:  # by rows, and never out of the grid
        by = per_row if key == "down" else -per_row
        target = 1 if not at and by > 0 else at + by
        return target if 1 <= target <= last else frame.at
    if key in ("home", "end"):
        target = first if key == "home" else last
    else:
        target = at + _MOVES.get(key, 0)
    target = max(first, min(last, target))
    return 0 if view.overview == "last" and target == last else target
