"""Makes the README's pictures again from a real run: `python -m tests.screenshots`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from models import find_lecture
from tui_app.app.app import TutorchApp

DOCS = Path(__file__).resolve().parents[1] / "docs"


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to be so."""
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def shoot(folder: Path, size: tuple[int, int], name: str) -> None:
    """Train lecture 9 in the app, and take its picture in the middle and at the end."""
    os.environ["TUTORCH_STATE_DIR"] = ""  # nobody's preferences in a picture
    app = TutorchApp(find_lecture("softmax"), {"epochs": 40, "runs_dir": "runs"})
    async with app.run_test(size=size) as pilot:
        form = app.main.query_one("#settings")
        await until(lambda: form.can_start)  # pyright: ignore[reportAttributeAccessIssue]
        await pilot.pause(0.3)
        save(app, folder, f"{name}-begin")
        await pilot.press("s")
        await until(lambda: app.queue is not None and app.queue.current.history.epoch >= 7)
        await pilot.press("space")
        assert app.queue is not None
        history = app.queue.current.history
        await until(lambda: history.state == "paused")
        await pilot.pause(0.3)
        save(app, folder, f"{name}-training")
        await pilot.press("space")
        await until(lambda: app.queue is not None and app.queue.is_over)
        await pilot.press("r")
        await pilot.pause(1.5)
        save(app, folder, f"{name}-runs")


def save(app: TutorchApp, folder: Path, name: str) -> None:
    """Write the screen as an SVG."""
    (folder / f"{name}.svg").write_text(app.export_screenshot(title="tutorch"), encoding="utf-8")


def main() -> None:
    """Write the pictures to docs/, or to the folder that is named; sizes like 120x36 after it."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else DOCS
    folder.mkdir(parents=True, exist_ok=True)
    sizes = sys.argv[2:] or ["120x36"]
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for size in sizes:
            width, height = map(int, size.split("x"))
            asyncio.run(shoot(folder, (width, height), f"app-{size}"))


if __name__ == "__main__":
    main()
