"""Injects what another user left: code in a run folder, settings, links to files."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import tempfile
from pathlib import Path

from tests.faults.trial import Outcome, Reference, Trial
from tests.program import tutorch
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_folder import RunFolder

#: A lecture that leaves a mark where it is imported, once it is armed.
NET = '''
"""A net. It looks harmless."""
from pathlib import Path

from torch import nn

from models.lecture import Hyperparameters, Lecture

if Path({armed!r}).exists():
    Path({mark!r}).touch()

LECTURE = Lecture(
    title="A net", title_zh="网络", datasets=("study-hours",),
    model=lambda spec, hyperparameters: nn.Linear(1, 1), criterion=nn.MSELoss,
    hyperparameters=Hyperparameters(epochs=3),
)
'''

#: A user that isn't the one who runs the trials.
_STRANGER = 12345


def planted(chance: random.Random, reference: Reference) -> Outcome:
    """A whole run of somebody else, with code, is looked at in every way: none of it runs."""
    place, mark, run = _planted_run(chance, reference)
    outcome = Outcome(went_on=True)
    asks = [
        ("predict", run.path, "4"),
        ("evaluate", run.path),
        ("export", run.path),
        ("resume", run.path, "--no-tui", "--epochs", "9"),
        ("resume", run.path, "--no-tui", "--epochs", "9", "--source", "current"),
        ("show", run.path, "--views"),
        ("--no-tui", run.source / "net.py"),
    ]
    is_mine = run.path.stat().st_uid == os.getuid()
    # A file that one names oneself is trusted, unless it is a stranger's.
    for ask in chance.sample(asks[:-1] if is_mine else asks, 3):
        _expect_refusal(outcome, mark, *ask)
    _expect_refusal(outcome, mark, *_settings_planted(chance, place, run, outcome))
    return outcome


def _planted_run(chance: random.Random, reference: Reference) -> tuple[Path, Path, RunFolder]:
    """Where it is, what its code would make, and the run: made in a process of its own."""
    place = Path(tempfile.mkdtemp(dir=reference.place))
    armed, mark, net = place / "armed", place / "mark", place / "net.py"
    net.write_text(NET.format(armed=str(armed), mark=str(mark)), encoding="utf-8")
    trial = Trial(chance, reference, argv=(str(net),), place=place)
    if trial.end() != ExitCode.DONE:
        raise ValueError(f"the run to be planted can't be trained: {trial.words}")
    armed.touch()
    run = trial.folder_afterwards
    if chance.random() < 0.5:
        net.unlink()  # as on another machine, where only the run came
    if os.getuid() == 0 and chance.random() < 0.7:
        for path in (place, *place.rglob("*")):
            os.chown(path, _STRANGER, -1)
    return place, mark, run


def _settings_planted(
    chance: random.Random, place: Path, run: RunFolder, outcome: Outcome
) -> tuple[object, ...]:
    """Leave a tutorch.toml that leads to the run where the user works; what is asked there."""
    settings = Path("tutorch.toml")
    outcome.expect(not settings.exists(), "a tutorch.toml of an earlier trial")
    settings.write_text(f'runs_dir = "{place / "runs"}"\n', encoding="utf-8")
    if os.getuid() == 0:
        os.chown(settings, _STRANGER, -1)
    return chance.choice([("evaluate", "last"), ("predict", "last", "4"), ("export", "last")])


def _expect_refusal(outcome: Outcome, mark: Path, *ask: object) -> None:
    """Ask, and look whether it is refused in a sentence and nothing was executed."""
    words = " ".join(map(str, ask))
    try:
        ended = tutorch(*ask)
    finally:
        Path("tutorch.toml").unlink(missing_ok=True)
    outcome.expect(not mark.exists(), f"`{words}` ran the code of somebody else")
    outcome.expect(ended.exit_code == ExitCode.USAGE, f"`{words}`: exit {ended.exit_code}")
    outcome.expect(ended.err.count("\n") > 0, f"`{words}` says nothing")
    outcome.tracebacks += ended.err.count("Traceback")


def linked(chance: random.Random, reference: Reference) -> Outcome:
    """A run was killed, and one of its files has become a link to a file of the user's, or to one
    that never ends: that is neither read nor changed, and with its own file the run goes on.
    """
    trial = Trial(chance, reference)
    folder = trial.folder
    trial.until(folder.previous.exists, "there never was a second checkpoint")
    trial.let_train(most=0.5)
    trial.signal(signal.SIGKILL)
    trial.end()
    names = [path.name for path in folder.path.iterdir() if path.is_file()]
    file = folder.path / chance.choice(sorted(names))
    own = trial.place / f"{file.name}.own"
    shutil.move(file, own)
    precious = trial.place / "precious.txt"
    precious.write_text("what the user wrote\n" * 9, encoding="utf-8")
    before = (precious.read_bytes(), precious.stat().st_mtime_ns)
    kind = chance.choice(["text", "twin", "fifo", "endless"])
    _replace(file, kind, precious, own)
    twin = own.read_bytes()
    said = _use(trial, folder)
    outcome = trial.outcome
    after = (precious.read_bytes(), precious.stat().st_mtime_ns)
    outcome.expect(before == after, f"{file.name}: the user's file was changed")
    outcome.expect(own.read_bytes() == twin, f"{file.name}: what the link led to was changed")
    outcome.went_on = trial.child.exitcode == ExitCode.DONE
    if file.is_symlink() or not file.is_file():  # else the run has a file of its own again
        file.unlink(missing_ok=True)
        shutil.move(own, file)
    if not outcome.went_on:  # resuming was refused
        trial.resume()
    trial.compare(reference.of(trial.argv))
    if outcome.problems:
        outcome.problems.append(f"{file.name} was replaced by: {kind}; {said}")
    return outcome


def _replace(file: Path, kind: str, precious: Path, own: Path) -> None:
    """Put a link, or a pipe that nobody writes to, in the place of a run's file."""
    if kind == "fifo":
        os.mkfifo(file)
    else:
        file.symlink_to({"text": precious, "twin": own, "endless": "/dev/zero"}[kind])


def _use(trial: Trial, folder: RunFolder) -> str:
    """Resume and look at the run, in processes that may hang; what they said."""
    said = ""
    for words in (["show", str(folder.path)], ["resume", str(folder.path), "--no-tui"]):
        with contextlib.suppress(FileNotFoundError):
            trial.told.unlink()
        trial.child = trial.start(words, None)
        code = trial.end()
        trial.outcome.expect(0 <= code <= ExitCode.RUN_LOCKED, f"{words[0]}: exit {code}")
        trial.outcome.tracebacks += trial.words.count("Traceback")
        trial.outcome.expect("Traceback" not in trial.words, trial.words)
        said += f"{words[0]}, exit {code}: {trial.words[-200:]}\n"
    return said
