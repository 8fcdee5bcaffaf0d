"""Shows in the bottom line the keys that do something now."""

from __future__ import annotations

from itertools import accumulate
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.app import RenderResult
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

#: Actions of the app whose keys stay when not all keys fit.
_ALWAYS = ("quit", "keys")

#: Stands for the keys without room; a click on it opens the page of all keys.
_MORE = " … "


class Key(NamedTuple):
    """A key: how it is shown, what it does, and its name in Textual."""

    display: str
    description: str
    name: str
    stays: bool

    @property
    def width(self) -> int:
        """Its width in cells."""
        return cell_len(self.display) + cell_len(self.description) + 3


class KeyBar(Widget):
    """Shows each key with what it does; a click on one presses it.

    One widget. Textual's Footer has a widget for each key; creating them took longer than all the
    rest of handling a key press.
    """

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        background: $footer-background;
        color: $footer-foreground;
        & > .key-bar--key { color: $footer-key-foreground; text-style: bold; }
        & > .key-bar--description { color: $footer-description-foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--description"}

    _keys: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        """Update when the focus or the state of training enables other keys."""
        self.auto_links = False  # keys aren't underlined
        self.screen.bindings_updated_signal.subscribe(self, self._read_bindings)

    def _read_bindings(self, screen: Screen[object]) -> None:
        first: dict[str, ActiveBinding] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            earlier = first.get(binding.action)
            plainer = earlier is not None and "+" in earlier.binding.key and "+" not in binding.key
            if binding.show and active.enabled and (earlier is None or plainer):
                first[binding.action] = active
        keys = tuple(
            Key(self.app.get_key_display(b), b.description, b.key, b.action in _ALWAYS)
            for b in (active.binding for active in first.values())
        )
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> RenderResult:
        """Draw as many keys as fit, and always those of the app."""
        fitting, staying = self._fitting(), [key for key in self._keys if key.stays]
        parts = [part for key in fitting for part in self._drawn(key)]
        if len(fitting) + len(staying) < len(self._keys):
            parts.append((_MORE, Style.from_meta({"@click": "app.keys"})))
        parts += [part for key in staying for part in self._drawn(key)]
        return Content.assemble(*parts)

    def _drawn(self, key: Key) -> list[tuple[str, Style]]:
        press = Style.from_meta({"@click": f"app.simulate_key({key.name!r})"})
        name, description = (
            self.get_visual_style(f"key-bar--{part}") for part in ("key", "description")
        )
        return [(f" {key.display} ", name + press), (f"{key.description} ", description + press)]

    def _fitting(self) -> list[Key]:
        """The keys that fit, without those that always stay."""
        keys = [key for key in self._keys if not key.stays]
        room = self.size.width - sum(key.width for key in self._keys if key.stays)
        if sum(key.width for key in keys) <= room:
            return keys
        ends = accumulate((key.width for key in keys), initial=len(_MORE))
        return keys[: sum(end <= room for end in ends) - 1] if room > 0 else []
