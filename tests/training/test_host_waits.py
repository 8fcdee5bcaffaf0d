"""Counting the waits of one thread, while others warn of whatever they like."""

from __future__ import annotations

import threading
import warnings

import pytest
import torch

from tui_app.training.recording.host_waits import counted_host_waits

WAIT = "called a synchronizing CUDA operation (Triggered internally at here)"


@pytest.fixture(autouse=True)
def modes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The debug modes that were set, on a machine without CUDA; torch warns of each."""
    seen: list[object] = [0]

    def set_mode(mode: object) -> None:
        seen.append(mode)
        warnings.warn("Synchronization debug mode is a prototype feature", stacklevel=1)

    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: seen[0])
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", set_mode)
    return seen


def in_a_thread(*texts: str) -> None:
    def warn() -> None:
        for text in texts:
            warnings.warn(text, stacklevel=1)

    thread = threading.Thread(target=warn)
    thread.start()
    thread.join()


def test_only_the_waits_of_this_thread_count(modes: list[object]) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with counted_host_waits() as waits:
            in_a_thread(WAIT, "disk almost full")
            assert waits.count == 0
            for _ in range(2):  # at the same line, which Python would show once
                warnings.warn(WAIT, stacklevel=1)
            warnings.warn("lr is large", stacklevel=1)
        assert waits.count == 2
        warnings.warn("afterwards", stacklevel=1)
    texts = [str(each.message) for each in shown]
    assert [t for t in texts if "prototype" not in t] == [
        "disk almost full",
        "lr is large",
        "afterwards",
    ]
    assert modes == [0, "warn", 0]


def test_waits_of_others_are_shown_if_the_program_wants_them(modes: list[object]) -> None:
    modes[0] = 1
    with warnings.catch_warnings(record=True) as shown, counted_host_waits() as waits:
        in_a_thread(WAIT)
    assert waits.count == 0
    assert WAIT in [str(each.message) for each in shown]


def test_a_hook_that_another_thread_sets_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def show(*_: object) -> None: ...

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with counted_host_waits():
        warnings.showwarning = show
    assert warnings.showwarning is show


def test_the_mode_and_the_hook_are_restored_after_an_error(modes: list[object]) -> None:
    before = warnings.showwarning
    with pytest.raises(ValueError, match="no"), counted_host_waits():
        raise ValueError("no")
    assert warnings.showwarning is before
    assert modes[-1] == 0
