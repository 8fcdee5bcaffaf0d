"""The line at the bottom: the keys that do something now."""

from __future__ import annotations

from typing import ClassVar

from textual.app import RenderResult
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

#: Keys of the app itself: they stay when not all keys fit.
_ALWAYS = ("quit", "keys")


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

    _keys: tuple[tuple[str, str, str, bool], ...] = ()

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
            (self.app.get_key_display(b), b.description, b.key, b.action in _ALWAYS)
            for b in (active.binding for active in first.values())
        )
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> RenderResult:
        """As many keys as there is room for."""
        kept = self._that_fit()
        key, act = (self.get_visual_style(f"key-bar--{part}") for part in ("key", "act"))
        parts: list[tuple[str, Style]] = []
        for display, description, name, _ in kept:
            press = Style.from_meta({"@click": f"app.simulate_key({name!r})"})
            parts += [(f" {display} ", key + press), (f"{description} ", act + press)]
        return Content.assemble(*parts)

    def _that_fit(self) -> list[tuple[str, str, str, bool]]:
        room = self.size.width - sum(_width(key) for key in self._keys if key[3])
        kept = []
        for key in self._keys:
            if not key[3]:
                room -= _width(key)
            if key[3] or room >= 0:
                kept.append(key)
        return kept


def _width(key: tuple[str, str, str, bool]) -> int:
    return len(key[0]) + len(key[1]) + 3
