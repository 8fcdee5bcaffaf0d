"""Runs the probe of a view of a model that doesn't train, once for each query, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text

from models.user_files.trust import UntrustedSource
from tui_app.monitoring.failures import describe_failure

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import Report
    from tui_app.inspection.probe_runner import Snapshot
    from tui_app.views.view import Frame, View


class _ProbeCancelled(Exception):
    """The probe was cancelled for another view."""


class StaticView:
    """Has the interface of LiveView. `run_probe` is slow; `start` runs it in a thread."""

    is_over = False

    def __init__(
        self,
        view: View,
        run_probe: Callable[[View, str, Report], Snapshot],
        start: Callable[[Callable[[], None]], object],
    ) -> None:
        self.view = view
        self.snapshot: Snapshot | None = None
        self.problem = self.progress = ""
        self.untrusted: UntrustedSource | None = None
        self._run_probe, self._start = run_probe, start
        self._query, self._requested_query = "", None
        self._is_cancelled = False
        self.is_busy = self._has_news = False

    def set_query(self, text: str) -> None:
        """Run the probe again with this query."""
        self._query = text

    def lines(self, frame: Frame, *, zoomed: bool = False) -> list[Text]:
        """Draw what the probe found; nothing before it has."""
        if self.snapshot is None:
            return []
        return self.view.lines(self.snapshot.found, frame, zoomed=zoomed)

    def poll(self) -> bool:
        """Start the probe for a new query; return whether there is news of the last one."""
        self._is_cancelled = False
        news, self._has_news = self._has_news, False
        if not self.is_busy and self._query != self._requested_query:
            self.is_busy, self._requested_query = True, self._query
            self._start(self._probe)
        return news

    def cancel_probe(self) -> None:
        """Cancel the probe, for another view; the next poll starts it again."""
        self._is_cancelled = self.is_busy

    def _report(self, steps: int, of: int) -> None:
        if self._is_cancelled:
            raise _ProbeCancelled
        self.progress = f"{100 * steps // max(1, of)} %"

    def _probe(self) -> None:
        try:
            self.snapshot = self._run_probe(self.view, self._requested_query or "", self._report)
            self.problem = ""
        except _ProbeCancelled:
            self._requested_query, self.is_busy = None, False
            return
        except Exception as error:  # noqa: BLE001  shown in the view's place
            self.untrusted = error if isinstance(error, UntrustedSource) else None
            failure = describe_failure(error)
            self.problem = failure[0] if failure else f"{type(error).__name__}: {error}"
        self._has_news, self.is_busy = True, False
