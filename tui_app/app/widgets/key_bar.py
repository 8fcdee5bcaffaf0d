"""The line at the bottom: the keys that do something now."""

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

#: Keys of the app itself: they stay when not all keys fit.
_ALWAYS = ("quit", "keys")

#: Stands for the keys there is no room for; a click on it opens the page with all of them.
_LEFT_OUT = " … "


class Key(NamedTuple):
    """A key as it is shown, what it does, and how Textual calls it."""

    display: str
    act: str
    name: str
    stays: bool

    @property
    def width(self) -> int:
        """The cells it takes."""
        return cell_len(self.display) + cell_len(self.act) + 3


class KeyBar(Widget):
    """Every key with what it does; a click on one presses it.

    One widget that is painted anew. Textual's Footer has a widget for each key, and building them
    took longer than all else that a key press does.
    """

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        background: $footer-background;
        color: $footer-foreground;
        & > .key-bar--key { color: $footer-key-foreground; text-style: bold; }
        & > .key-bar--act { color: $footer-description-foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--act"}

    _keys: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        """Follow what the focus and the state of training let be pressed."""
        self.auto_links = False  # these are keys, not links to be underlined
        self.screen.bindings_updated_signal.subscribe(self, self._look)

    def _look(self, screen: Screen[object]) -> None:
        first: dict[str, ActiveBinding] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            known = first.get(binding.action)
            plainer = known is not None and "+" in known.binding.key and "+" not in binding.key
            if binding.show and active.enabled and (known is None or plainer):
                first[binding.action] = active
        keys = tuple(
            Key(self.app.get_key_display(b), b.description, b.key, b.action in _ALWAYS)
            for b in (active.binding for active in first.values())
        )
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> RenderResult:
        """As many keys as there is room for, those of the app in any case."""
        fitting, staying = self._that_fit(), [key for key in self._keys if key.stays]
        parts = [part for key in fitting for part in self._painted(key)]
        if len(fitting) + len(staying) < len(self._keys):
            parts.append((_LEFT_OUT, Style.from_meta({"@click": "app.keys"})))
        parts += [part for key in staying for part in self._painted(key)]
        return Content.assemble(*parts)

    def _painted(self, key: Key) -> list[tuple[str, Style]]:
        press = Style.from_meta({"@click": f"app.simulate_key({key.name!r})"})
        name, act = (self.get_visual_style(f"key-bar--{part}") for part in ("key", "act"))
        return [(f" {key.display} ", name + press), (f"{key.act} ", act + press)]

    def _that_fit(self) -> list[Key]:
        """Those of the keys that needn't stay for which there is room."""
        keys = [key for key in self._keys if not key.stays]
        room = self.size.width - sum(key.width for key in self._keys if key.stays)
        if sum(key.width for key in keys) <= room:
            return keys
        ends = accumulate((key.width for key in keys), initial=len(_LEFT_OUT))
        return keys[: sum(end <= room for end in ends) - 1] if room > 0 else []
