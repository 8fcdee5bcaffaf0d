"""What a setting may vary over: choices and ranges, as the command line and the form write them."""

from __future__ import annotations

import json

import pytest

from models import find_lecture
from models.fields import InvalidValue, fields_of
from models.loading.load import load_lecture
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.variation import (
    Choices,
    Span,
    Variation,
    as_plain,
    check_variation,
    from_plain,
    parse_variation,
)

FIELDS = {**load_lecture(find_lecture("softmax")).fields, **fields_of(RunOptions)}

GOOD = [
    ("lr", "1e-4..1:log", Span(1e-4, 1.0, is_log=True)),
    ("lr", " 0.1 .. 0.5 ", Span(0.1, 0.5)),
    ("lr", "0.1|0.2", Choices((0.1, 0.2))),
    ("momentum", "0..0.95", Span(0.0, 0.95)),
    ("epochs", "2..8", Span(2, 8, is_whole=True)),
    ("batch_size", "16..256:log", Span(16, 256, is_log=True, is_whole=True)),
    ("batch_size", "32|full", Choices((32, "full"))),
    ("widths", "512,256|128,64|32", Choices(((512, 256), (128, 64), (32,)))),
    ("optimizer", "sgd| adam", Choices(("sgd", "adam"))),
    ("nesterov", "true|false", Choices((True, False))),
]


@pytest.mark.parametrize(("name", "text", "variation"), GOOD)
def test_choices_and_ranges_are_read(name: str, text: str, variation: Variation):
    found = parse_variation(FIELDS[name], text)
    assert found == variation
    assert [type(v) for v in vars(found).values()] == [type(v) for v in vars(variation).values()]
    assert parse_variation(FIELDS[name], str(found)) == found
    recorded = from_plain(json.loads(json.dumps(as_plain(found))))
    assert check_variation(FIELDS[name], recorded) == recorded == found


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("lr", "0..1", "lr: a number > 0, not '0'"),
        ("momentum", "0..1", "momentum: a number ≥ 0 and < 1, not '1'"),
        ("epochs", "1.5..3", "epochs: a whole number ≥ 1, not '1.5'"),
        ("lr", "0.1|x", "lr: a number > 0, not 'x'"),
        ("lr", "0.1..", "lr: a number > 0"),
        ("lr", "1..0.1", "lr: a range ends above its beginning, which 1..0.1 doesn't"),
        ("lr", "1..1", "lr: a range ends above its beginning"),
        ("lr", "0.1..1:lin", "lr: a number > 0, not '1:lin'"),
        ("lr", "0.1..1:logs", "lr: a range is LOW..HIGH or LOW..HIGH:log, not '0.1..1:logs'"),
        ("momentum", "0..0.5:log", "momentum: a logarithmic range begins above 0"),
        ("batch_size", "16..full", "batch size: a range is between two numbers, not 16..full"),
        ("optimizer", "sgd..adam", "optimizer has no range: one of sgd, "),
        ("widths", "64..128", "widths has no range"),
        ("optimizer", "sgd|adm", r"'adm' \(did you mean adam\?\)"),
        ("lr", "0.1|0.10", "lr: 0.1 stands twice among its choices"),
        ("lr", "0.1", "lr: 0.1 is one value, which doesn't vary: .* or a range"),
        ("optimizer", "sgd", "optimizer: sgd is one value.*A|B"),
        ("lr", "", "lr: a number > 0"),
    ],
)
def test_a_wrong_one_is_refused_in_the_words_of_its_field(name: str, text: str, words: str):
    with pytest.raises(InvalidValue, match=words) as caught:
        parse_variation(FIELDS[name], text)
    assert caught.value.field == name


@pytest.mark.parametrize(
    "plain", [{}, {"low": "a", "high": 1}, {"low": 1}, {"choices": 3}, {"low": True, "high": 2}]
)
def test_a_record_that_holds_none_is_refused(plain: dict[str, object]):
    with pytest.raises(ValueError, match="range"):
        from_plain(plain)


def test_a_recorded_variation_is_checked_by_its_field():
    for name, variation in (
        ("lr", Span(0.0, 1.0)),
        ("lr", Span(1.0, 0.1)),
        ("widths", Span(1, 2)),
        ("optimizer", Choices(("sgd", "nothing"))),
    ):
        with pytest.raises(InvalidValue):
            check_variation(FIELDS[name], variation)
