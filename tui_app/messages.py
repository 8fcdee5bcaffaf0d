"""What widgets tell the screen they are on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message


@dataclass
class LectureHighlighted(Message):
    """A lecture is looked at in the list."""

    path: Path


@dataclass
class LectureChosen(Message):
    """A lecture was picked, to be set."""

    path: Path


@dataclass
class SettingChanged(Message):
    """Somebody changed the text of the setting `name`."""

    name: str
    text: str


@dataclass
class SettingReset(Message):
    """The setting `name` is to be what it was."""

    name: str


@dataclass
class SettingFocused(Message):
    """The setting `name` is the one that is being set."""

    name: str


@dataclass
class StartRequested(Message):
    """Training is to begin with what the form says."""


@dataclass
class PaneChosen(Message):
    """The pane `pane` is to be shown and focused."""

    pane: str
