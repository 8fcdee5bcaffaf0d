"""Notices take one line above the footer, one at a time, and go with their pane or screen."""

from __future__ import annotations

from textual.widgets._toast import Toast

from tests.pilot import in_app

_LONG = "could not be fetched: " + "x" * 200 + "\nfrom a mirror\nfrom another"


def _toasts(person) -> list[Toast]:
    return [toast for toast in person.app.screen.query(Toast) if toast.is_attached]


async def _shows(person, text: str) -> None:
    await person.until(lambda: text in person.text and len(_toasts(person)) == 1)


@in_app(size=(80, 24), notices=True)
async def test_a_notice_covers_nothing_but_the_border_above_the_footer(person):
    await person.press("3")
    before = person.text.splitlines()
    person.app.notify("Saving [not markup]")
    await _shows(person, "Saving [not markup]")
    after = person.text.splitlines()
    assert [line for line, (b, a) in enumerate(zip(before, after, strict=True)) if b != a] == [22]
    assert before[22].startswith("╰")
    assert _toasts(person)[0]._timeout <= 4.5


@in_app(size=(80, 24), notices=True)
async def test_a_newer_notice_takes_the_place_of_the_one_before(person):
    person.app.notify("the first")
    person.app.notify("the second", timeout=60)
    await _shows(person, "the second")
    assert "the first" not in person.text
    assert _toasts(person)[0]._timeout <= 4.5


@in_app(size=(80, 24), notices=True)
async def test_a_long_error_is_cut_and_stays_in_the_log(person):
    person.app.notify(_LONG, severity="error")
    await _shows(person, "… (all of it: log)")
    assert len([line for line in person.text.splitlines() if "xxx" in line]) == 1
    texts = [line.text for line in person.app.startup_log.lines]
    assert [text for text in texts if text in _LONG.splitlines()] == _LONG.splitlines()
    person.app.notify(_LONG, severity="error")
    assert len(person.app.startup_log.lines) == len(texts)  # once is enough


@in_app(size=(80, 24), notices=True)
async def test_a_notice_disappears_with_its_pane_and_its_screen(person):
    for leave in ("3", "r", "question_mark"):
        person.app.notify("about what is seen")
        await _shows(person, "about what is seen")
        await person.press(leave)
        await person.until(lambda: not _toasts(person) and "about what" not in person.text)
