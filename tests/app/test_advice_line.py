"""The advice line and the key that applies it belong to the run that is shown."""

from __future__ import annotations

from tests.pilot import Sitting, in_app
from tui_app.app.widgets.setting_row import SettingRow


async def diverge(person: Sitting) -> None:
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.trained()
    await person.until(lambda: person.history.advice)


def marked(person: Sitting) -> dict[str, str]:
    rows = person.form.query(SettingRow)
    return {row.field.name: row.text for row in rows if row.is_changed}


def sets(person: Sitting) -> str:
    """The settings that the newest advice names, as shown in its line."""
    return f"d sets lr {person.history.advice[-1].settings['lr']:g}."


@in_app("05", lr=10.0, epochs=1000)
async def test_advice_is_for_the_shown_run_and_marks_only_what_differs(person: Sitting):
    await diverge(person)
    first = sets(person)
    await person.until(lambda: first in person.text)
    await person.press("1", "up", "up", "enter")
    await person.until(lambda: person.form.border_subtitle == "lecture_03_gradient_descent")
    for name, text in {"lr": "1", "epochs": "900"}.items():
        person.draft.change(name, text)
    person.form.check()
    await diverge(person)
    assert sets(person) != first
    await person.until(lambda: sets(person) in person.text)
    assert first not in person.text
    advised = {"lr": f"{person.history.advice[-1].settings['lr']:g}", "epochs": "900"}
    await person.press("d")
    await person.until(lambda: marked(person) == advised)
    assert person.draft.lecture.name == "lecture_03_gradient_descent"
    await person.press("ctrl+z")
    await person.until(lambda: marked(person) == {"lr": "1", "epochs": "900"})
