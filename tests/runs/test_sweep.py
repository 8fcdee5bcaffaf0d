"""The values of a sweep: which separators split them, and how many runs they may make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models import find_lecture
from models.fields import InvalidValue, fields_of
from models.loading.load import load_lecture
from tests.program import tutorch
from tui_app.commands import train
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.sweep import MAX_RUNS, combinations, parse_list, parse_value_or_list

FIELDS = {**load_lecture(find_lecture("softmax")).fields, **fields_of(RunOptions)}


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("lr", "0.1, 0.2", (0.1, 0.2)),
        ("lr", "0.1|0.2", (0.1, 0.2)),
        ("widths", "32;64,32", ((32,), (64, 32))),
        ("widths", "64,32|32", ((64, 32), (32,))),
        ("device", "cpu,cuda", ("cpu", "cuda")),
        ("shuffle", "true,false", (True, False)),
    ],
)
def test_a_form_and_the_command_line_split_values_alike(name: str, text: str, values: Any):
    assert parse_value_or_list(FIELDS[name], text) == values
    assert parse_list(FIELDS[name], text) == values


@pytest.mark.parametrize(
    ("name", "text"), [("data_dir", "a,b|c"), ("drop", "name,ticket"), ("target", "a|b")]
)
def test_a_text_in_a_form_that_is_one_value_stays_one(name: str, text: str):
    assert parse_value_or_list(FIELDS[name], text) == (text,)
    assert len(parse_list(FIELDS[name], text)) > 1


def test_the_path_of_a_users_table_is_one_value_in_a_form():
    (path,) = parse_value_or_list(FIELDS["dataset"], "csv:a,b|c.csv")
    assert path == f"csv:{Path.cwd() / 'a,b|c.csv'}"


def test_a_wrong_value_of_a_list_is_named():
    with pytest.raises(InvalidValue, match="'x'"):
        parse_value_or_list(FIELDS["lr"], "0.1,x")


def test_more_runs_than_the_limit_are_refused_before_any_is_made():
    assert len(combinations({"seed": range(MAX_RUNS)})) == MAX_RUNS
    with pytest.raises(InvalidValue, match="1000000000000 runs; 64 is the most"):
        combinations({name: range(1000) for name in "abcd"})
    seeds = ",".join(map(str, range(MAX_RUNS + 1)))
    ended = tutorch("--no-tui", "05", "--epochs", 1, "--sweep", f"seed={seeds}")
    assert ended.exit_code == 2
    assert "65 runs; 64 is the most" in ended.err
    assert tutorch("runs", "--json").json == []


def test_the_app_refuses_a_sweep_that_its_form_would_read_as_one_value(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(train, "can_show_app", lambda: True)
    opened: list[object] = []
    monkeypatch.setattr(train, "_show_app", lambda *arguments: opened.append(arguments) or 0)
    ended = tutorch("softmax", "--sweep", "drop=name,ticket")
    assert ended.exit_code == 2
    assert "add --no-tui" in ended.err
    assert not opened
    assert tutorch("softmax", "--sweep", "lr=0.1,0.2").exit_code == 0
    assert opened
