"""Typing errors on the command line: the message names what was probably meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import tutorch
from tui_app.views import view_names

#: A run of milliseconds.
SMALL = ("softmax", "--widths", "8", "--epochs", "2")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("resme last", "did you mean `tutorch resume` or lecture_11_resnet?"),
        ("run", "did you mean `tutorch runs` or lecture_12_rnn_basics?"),
        ("eval last", "did you mean `tutorch evaluate`?"),
        ("lectuers", "did you mean `tutorch lectures`?"),
        ("sofmax", "did you mean lecture_09_softmax_classifier?"),
        ("trian", "name the lecture to train, as in `tutorch softmax`"),
        ("train", "name the lecture to train"),
        ("--json runs", "a command comes first: `tutorch runs ...`"),
        ("qqq", "`tutorch --help` lists the commands, `tutorch lectures` the lectures"),
    ],
)
def test_a_wrong_word_proposes_the_nearest_command_and_lecture(argv: str, message: str):
    ended = tutorch(*argv.split())
    assert (ended.exit_code, ended.out) == (2, "")
    assert message in ended.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("05", "--optimizer", "sgd,adam"), "`--sweep optimizer=sgd,adam` trains one run for each"),
        (("05", "--lr", "0.1, 0.2"), "`--sweep lr=0.1,0.2`"),
        (("05", "--lr", "0.1|0.2"), "`--sweep lr=0.1,0.2`"),
        (("05", "--lr", "0.1..0.2"), "`--sweep lr=0.1,0.2`"),
        (("05", "--shuffle", "true,false"), "`--sweep shuffle=true,false`"),
        (("05", "--dataset", "study-hours,noisy-line"), "--sweep dataset=study-hours,noisy-line"),
        (("softmax", "--widths", "8;4,4"), "`--sweep 'widths=8;4,4'`"),
        (("softmax", "--activation", "relu,leaky relu"), "--sweep 'activation=relu,leaky relu'"),
        (("05", "--lr", "0.1,fast"), "lr: a number > 0, not '0.1,fast'"),
    ],
)
def test_several_values_for_one_option_propose_a_sweep(argv: tuple[str, ...], message: str):
    ended = tutorch("--no-tui", *argv)
    assert (ended.exit_code, ended.out) == (2, "")
    assert message in ended.err


def test_a_sweep_accepts_bars_between_values():
    ended = tutorch("--no-tui", "05", "--epochs", 1, "--quiet", "--sweep", "lr=0.1|0.2")
    assert ended.exit_code == 0
    assert len(list(Path("runs").glob("*/*"))) == 2


# Options that exclude or need each other


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--view layers --svg c.png", "--svg writes an SVG picture, not .png: `--svg c.svg`"),
        ("--view layers --svg c.svg --json", "can't be used with --svg"),
        ("--view layers --at 1 --json", "can't be used with --at"),
        ("--view words --json", "lecture 12"),
        ("--view layrs", "did you mean layers?"),
        ("--svg c.svg", "--svg applies to a view"),
        ("--ask Wang", "--ask applies to a view"),
        ("--size 80x24", "--size applies to a view"),
    ],
)
def test_options_of_show_have_an_effect_or_are_refused(
    options: str, message: str, trained: Callable[..., Path]
):
    trained(*SMALL)
    ended = tutorch("show", "last", *options.split())
    assert (ended.exit_code, ended.out) == (2, "")
    assert message in ended.err
    assert not list(Path.cwd().glob("c.*"))


def test_what_a_view_found_is_printed_as_json(trained: Callable[..., Path]):
    run = trained(*SMALL)
    facts = tutorch("show", "last", "--view", "layers", "--json").json
    assert facts["run"].endswith(run.name)
    assert facts["found"]["layers"][1]["parameters"] == 785 * 8
    confusion = tutorch("show", "last", "--view", "confusion", "--json")
    strict = json.loads(confusion.out, parse_constant=pytest.fail)
    assert len(strict["found"]["classes"]) == 10


@pytest.mark.parametrize("view", view_names())
def test_every_view_of_a_lecture_prints_json_or_an_error(view: str, trained: Callable[..., Path]):
    trained(*SMALL)
    ended = tutorch("show", "last", "--view", view, "--json")
    assert (ended.exit_code, bool(ended.out), bool(ended.err)) in (
        (0, True, False),
        (2, False, True),
    )
    if ended.out:
        assert ended.json["view"] == view


def test_a_script_is_written_to_stdout(trained: Callable[..., Path]):
    trained("05", "--epochs", "2")
    before = sorted(Path.cwd().iterdir())
    written = tutorch("export", "last", "--out", "-")
    assert written.exit_code == 0
    assert sorted(Path.cwd().iterdir()) == before
    assert tutorch("export", "last", "--out", "net.py").exit_code == 0
    assert Path("net.py").read_text(encoding="utf-8") == written.out
    for options in (("--out", "-", "--json"), ("--out", "net.npz")):
        assert tutorch("export", "last", *options).exit_code == 2
