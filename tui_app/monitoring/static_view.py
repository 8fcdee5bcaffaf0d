"""A view of a model that doesn't change: each question is answered once, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text

from models.user_files.trust import UntrustedSource

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import Report
    from tui_app.inspection.probe_runner import Snapshot
    from tui_app.views.view import Frame, View


class _GivesWay(Exception):
    """Another view is wanted first."""


class StaticView:
    """Has the same face as LiveView. `look` takes its time; `start` gives it to a thread."""

    is_over = False

    def __init__(
        self,
        view: View,
        look: Callable[[View, str, Report], Snapshot],
        start: Callable[[Callable[[], None]], object],
    ) -> None:
        self.view = view
        self.snapshot: Snapshot | None = None
        self.problem = self.progress = ""
        self.untrusted: UntrustedSource | None = None
        self._look, self._start = look, start
        self._ask, self._asked = "", None
        self._gives_way = False
        self.is_busy = self._has_news = False

    def ask(self, text: str) -> None:
        """Look again, to answer this."""
        self._ask = text

    def lines(self, frame: Frame, *, closer: bool = False) -> list[Text]:
        """What was found, drawn; nothing before that."""
        if self.snapshot is None:
            return []
        return self.view.lines(self.snapshot.found, frame, closer=closer)

    def poll(self) -> bool:
        """Begin to look where there is something to be answered: whether there is news."""
        self._gives_way = False
        news, self._has_news = self._has_news, False
        if not self.is_busy and self._ask != self._asked:
            self.is_busy, self._asked = True, self._ask
            self._start(self._answer)
        return news

    def cancel_probe(self) -> None:
        """End the look under way, for another view; the next poll begins anew."""
        self._gives_way = self.is_busy

    def _report(self, steps: int, of: int) -> None:
        if self._gives_way:
            raise _GivesWay
        self.progress = f"{100 * steps // max(1, of)} %"

    def _answer(self) -> None:
        from tui_app.monitoring.failures import known

        try:
            self.snapshot = self._look(self.view, self._asked or "", self._report)
            self.problem = ""
        except _GivesWay:
            self._asked, self.is_busy = None, False
            return
        except Exception as error:  # noqa: BLE001  a view that fails says so in its place
            self.untrusted = error if isinstance(error, UntrustedSource) else None
            sentence = known(error)
            self.problem = sentence[0] if sentence else f"{type(error).__name__}: {error}"
        self._has_news, self.is_busy = True, False
