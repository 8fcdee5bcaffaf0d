"""Keeps the texts of the form before each edit, for undo and redo."""

from __future__ import annotations

from collections.abc import Mapping

#: Edits that can be undone.
_MOST = 200


class Edits:
    """Two stacks of states. Consecutive changes of one field are one edit, until `end`."""

    def __init__(self) -> None:
        self._before: list[dict[str, str]] = []
        self._after: list[dict[str, str]] = []
        self._field = ""

    def begin(self, texts: Mapping[str, str], field: str = "") -> None:
        """Record `texts`, which are about to change: in one `field`, or in several."""
        if field and field == self._field:
            return
        self._before = [*self._before[1 - _MOST :], dict(texts)]
        self._after = []
        self._field = field

    def end(self) -> None:
        """Let the next change, even of the same field, be an edit of its own."""
        self._field = ""

    def can_undo(self, texts: Mapping[str, str]) -> bool:
        """Whether there is an earlier state other than `texts`."""
        return any(before != texts for before in self._before)

    @property
    def can_redo(self) -> bool:
        """Whether an edit was undone since the last change."""
        return bool(self._after)

    def undo(self, texts: dict[str, str]) -> dict[str, str]:
        """The state before the last edit, now that it is `texts`."""
        return self._step(self._before, self._after, texts)

    def redo(self, texts: dict[str, str]) -> dict[str, str]:
        """The state after the edit that was undone last."""
        return self._step(self._after, self._before, texts)

    def _step(
        self, source: list[dict[str, str]], target: list[dict[str, str]], texts: dict[str, str]
    ) -> dict[str, str]:
        self.end()
        while source and source[-1] == texts:  # an edit that changed nothing in the end
            source.pop()
        if not source:
            return texts
        target.append(dict(texts))
        return source.pop()
