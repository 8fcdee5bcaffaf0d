"""The places of a view: how they are counted, and where a key leads."""

from __future__ import annotations

from typing import Any

from tui_app.views.view import Frame, View

#: How far each key goes, in places.
_BY = {"left": -1, "right": 1, "pageup": -10, "pagedown": 10}


def count_of(view: View, found: Any, frame: Frame) -> int:
    """How many places are numbered: not the whole."""
    return max(0, view.place_count(found, frame) - bool(view.whole))


def label(view: View, found: Any, frame: Frame) -> str:
    """Which place of how many the frame is at: `layer 1 of 2`; empty where there is one at most."""
    count, step = count_of(view, found, frame), view.step or "place"
    if count <= (0 if view.whole else 1):
        return ""
    if view.scrolls:
        return f"lines {frame.at + 1} to {frame.at + frame.rows} of {count + frame.rows - 1}"
    if view.whole == "all" and not frame.at:
        return f"all {count} {step}s" if count > 1 else f"all of 1 {step}"
    number = frame.at or count if view.whole else frame.at + 1
    return f"{step} {number} of {count}"


def moved(view: View, found: Any, frame: Frame, key: str) -> int:
    """The place that `key` leads to from the frame's: an arrow, pageup, pagedown, home or end."""
    at, count, across = frame.at, count_of(view, found, frame), view.across(found)
    first = 1 if view.whole == "last" else 0
    last = count if view.whole else count - 1
    if view.whole == "last" and not at:
        at = last
    if key in ("up", "down") and across > 1:  # row by row, and nowhere out of the grid
        by = across if key == "down" else -across
        wanted = 1 if not at and by > 0 else at + by
        return wanted if 1 <= wanted <= last else frame.at
    if key in ("home", "end"):
        wanted = first if key == "home" else last
    else:
        wanted = at + {"up": -1, "down": 1, **_BY}.get(key, 0)
    wanted = max(first, min(last, wanted))
    return 0 if view.whole == "last" and wanted == last else wanted
