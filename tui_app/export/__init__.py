"""Writes a run as one Python script in the lecture's style, which reproduces it without tutorch."""

from tui_app.export.script import script_of

__all__ = ["script_of"]
