"""The app starts with any arguments, however slowly its widgets are mounted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from textual.widget import Widget

from models import find_lecture
from tests.program import train
from tests.terminal_program import Terminal
from tui_app.app.app import TutorchApp
from tui_app.runs.run_folder import RunFolder
from tui_app.training.session_request import ResumeRequest

SIZES = ((80, 24), (60, 16), (120, 36))

#: Those at which the settings are seen at once.
WIDE = ((120, 36), (140, 40), (200, 60))


def app_of(lecture: str, follow: Path | None = None, resume: Path | None = None, **given: Any):
    """The app as a command line would make it."""
    return TutorchApp(
        find_lecture(lecture),
        {"runs_dir": "runs", **given},
        watch=RunFolder(follow) if follow else None,
        resume=ResumeRequest(RunFolder(resume), epochs=4) if resume else None,
    )


def command_lines(run: Path) -> list[dict[str, Any]]:
    """What the app is begun with: each as the arguments of `app_of`."""
    return [
        {"lecture": "05", "epochs": "10000000", "save_every": "1000"},
        {"lecture": "softmax"},
        {"lecture": "02", "lr": "0.1,0.01"},
        {"lecture": "rnn", "network": "RNN"},
        {"lecture": "05", "follow": run},
        {"lecture": "05", "resume": run},
    ]


async def start(app: TutorchApp, size: tuple[int, int]) -> None:
    """Start, and leave once it has ticked. What the app raises is raised here."""
    tick, ticked = app.update_screen, asyncio.Event()

    def tick_and_say_so() -> None:
        tick()
        ticked.set()

    app.update_screen = tick_and_say_so
    running = asyncio.create_task(app.run_async(headless=True, size=size))
    waiting = asyncio.create_task(ticked.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if app.queue is not None:
        app.queue.stop("the test is over")
        await asyncio.to_thread(app.queue.current.join, 30)
    app.exit(0)
    await running
    waiting.cancel()
    if app._exception is not None:
        raise app._exception
    assert app.return_value == 0


def test_twenty_apps_start_side_by_side():
    """Each is the others' load: whatever can be late is late in some of them."""
    run = train("05", "--epochs", 2)
    lines = command_lines(run)

    async def start_all() -> None:
        apps = [(app_of(**lines[n % len(lines)]), SIZES[n % len(SIZES)]) for n in range(20)]
        await asyncio.gather(*(start(app, size) for app, size in apps))

    asyncio.run(start_all())


@pytest.fixture
def ticks_everywhere(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The app ticks, and every screen is drawn, before and after each widget is composed and each
    is taken away: those moments at which a timer might come.
    """
    moments: list[str] = []
    compose, leave = Widget.mount_composed_widgets, Widget._message_loop_exit

    def tick(app: Any, moment: str) -> None:
        moments.append(moment)
        if isinstance(app, TutorchApp):
            TutorchApp.update_screen(app)
            for screen in app.screen_stack:
                draw: Callable[[], None] = getattr(screen, "draw", lambda: None)
                draw()

    async def compose_and_tick(widget: Widget, widgets: list[Widget]) -> None:
        tick(widget.app, f"before {widget!r}")
        await compose(widget, widgets)
        tick(widget.app, f"after {widget!r}")

    async def leave_and_tick(widget: Widget) -> None:
        app = widget.app
        tick(app, f"leaving {widget!r}")
        await leave(widget)
        tick(app, f"left {widget!r}")

    monkeypatch.setattr(Widget, "mount_composed_widgets", compose_and_tick)
    monkeypatch.setattr(Widget, "_message_loop_exit", leave_and_tick)
    return moments


@pytest.mark.parametrize("number", [0, 4, 5], ids=["lecture", "attach", "resume"])
def test_an_update_may_come_at_any_moment(number: int, ticks_everywhere: list[str]):
    arguments = command_lines(train("05", "--epochs", 2))[number]
    asyncio.run(start(app_of(**arguments), (120, 36)))
    assert any("left ViewPage" in moment for moment in ticks_everywhere)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="a pty is POSIX")
def test_a_hundred_programs_start_on_terminals():
    """Ten at a time, each until its settings or its run are there."""
    run = train("05", "--epochs", 2)
    lines: list[tuple[tuple[object, ...], str]] = [
        (("05", "--epochs", 10_000_000, "--save-every", 1000), "study-hours, bundled"),
        (("softmax",), "digits, bundled"),
        (("02", "--epochs", 3), "study-hours, bundled"),
        (("10_basic", "--lr", 0.05), "digits, bundled"),
        (("attach", run), "completed: all 2 epochs trained"),
    ]

    def begin(number: int) -> int:
        argv, word = lines[number % len(lines)]
        with Terminal(*argv, size=WIDE[number % len(WIDE)]) as terminal:
            terminal.shows(word)
            terminal.press("q")
            return terminal.exit_code()

    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(begin, range(100))) == [0] * 100
