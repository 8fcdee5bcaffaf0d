"""Settings: allowed values, refusals, and how the hyperparameters of a run are resolved."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.fields import Field, InvalidValue, OnlyWith, Range, fields_of, setting_text
from models.lecture import Hyperparameters, Lecture
from tui_app.runs.settings.run_options import RunOptions


@dataclass(frozen=True, kw_only=True)
class Sample(Hyperparameters):
    """One field of each kind, besides those that all lectures have."""

    share: Annotated[float, Range(minimum=0, below=1)] = 0.25
    """How much
    of it."""

    sizes: Annotated[tuple[int, ...], Range(minimum=1)] = (3, 2)
    """How large."""

    limit: Annotated[int | Literal["full"], Range(minimum=1)] = "full"
    """How many."""

    network: Literal["flat", "deep"] = "flat"
    """Which one."""

    depth: Annotated[int, Range(minimum=1), OnlyWith("network", ("deep",))] = 4
    """How deep."""

    label: str = "none"
    """What it is called."""


FIELDS = fields_of(Sample)

SAMPLE = Lecture(
    title="Sample",
    title_zh="样本",
    datasets=("study-hours", "noisy-line"),
    model=lambda spec, hyperparameters: nn.Linear(1, 1),
    criterion=nn.MSELoss,
    hyperparameters=Sample(epochs=7, lr=0.5, momentum=0.9),
    overrides={
        "noisy-line": {"lr": 0.1, "epochs": 30},
        "optimizer=adam": {"lr": 0.001},
        "network=deep": {"epochs": 70},
    },
    unused=("clip_grad_norm",),
    name="sample",
)


def values_of(field: Field) -> st.SearchStrategy:
    """Values that the field allows."""
    plain = {
        int: st.integers(-(2**53), 2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        str: st.text(st.characters(categories=["L", "N"]), min_size=1),
    }
    if field.pattern is not None:
        return st.from_regex(field.pattern.regex, fullmatch=True)
    options = [st.sampled_from(field.choices)] if field.choices else []
    if field.kind is not None:
        numbers = field.kind in (int, float)
        options.append(plain[field.kind].filter(lambda x: not numbers or x in field.range))
    value = st.one_of(options)
    return st.lists(value, min_size=1, max_size=4).map(tuple) if field.is_tuple else value


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_formatted_is_parsed_back_to_the_same(data: st.DataObject):
    field = data.draw(st.sampled_from([*FIELDS.values(), *fields_of(RunOptions).values()]))
    value = data.draw(values_of(field))
    assert field.parse(field.format(value)) == value
    assert field.check(value) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (512, "512"),
        (0.1, "0.1"),
        (0.1234567, "0.1234567"),
        (1e-05, "1e-05"),
        ((512, 256), "512,256"),
        ([0.5, False], "0.5,false"),
        ("one-cycle", "one-cycle"),
    ],
)
def test_a_value_reads_the_same_before_and_after_run_json(value: object, text: str):
    assert setting_text(value) == setting_text(json.loads(json.dumps(value))) == text


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(FIELDS.values())), st.text(max_size=12))
def test_typed_text_is_a_valid_value_or_refused_in_a_sentence(field: Field, text: str):
    try:
        value = field.parse(text)
    except InvalidValue as refusal:
        assert str(refusal).startswith(f"{field.label}: {field.allowed_values}")
        assert refusal.field == field.name
    else:
        assert field.check(value) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epochs", "0"),
        ("epochs", "-3"),
        ("epochs", "1.5"),
        ("epochs", "ten"),
        ("epochs", ""),
        ("epochs", "9" * 400),
        ("lr", "0"),
        ("lr", "nan"),
        ("lr", "inf"),
        ("lr", "-inf"),
        ("lr", "1e999"),
        ("momentum", "1"),
        ("momentum", "-0.1"),
        ("share", "1.0"),
        ("sizes", ""),
        ("sizes", "3,0"),
        ("sizes", "3,,2"),
        ("limit", "0"),
        ("limit", "all"),
        ("seed", "-1"),
        ("seed", str(2**63)),
        ("shuffle", "maybe"),
        ("network", "Deep"),
    ],
)
def test_values_out_of_range_or_not_numbers_are_refused(name: str, text: str):
    with pytest.raises(InvalidValue, match=f"^{FIELDS[name].label}: "):
        FIELDS[name].parse(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", True),
        ("epochs", 2.0),
        ("epochs", "2"),
        ("epochs", None),
        ("epochs", 10**400),
        ("lr", "0.1"),
        ("lr", math.nan),
        ("lr", 10**400),
        ("lr", [0.1]),
        ("sizes", 3),
        ("sizes", []),
        ("sizes", [[3]]),
        ("sizes", {"3": 3}),
        ("limit", "half"),
        ("network", 1),
        ("label", 5),
        ("shuffle", 1),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, value: object):
    """Values as they may be in tutorch.toml or run.json."""
    with pytest.raises(InvalidValue, match=f"^{FIELDS[name].label}: "):
        FIELDS[name].check(value)


def test_values_are_converted_to_the_type_of_their_field():
    assert FIELDS["sizes"].check([5, 1]) == (5, 1)
    assert isinstance(FIELDS["lr"].check(1), float)
    assert FIELDS["limit"].parse(" 12 ") == 12
    assert FIELDS["shuffle"].parse("Off") is False


def test_a_refusal_names_the_allowed_values_and_the_nearest_word():
    with pytest.raises(InvalidValue) as refusal:
        FIELDS["optimizer"].parse("adan")
    assert str(refusal.value).endswith("'adan' (did you mean adam?)")
    assert FIELDS["share"].allowed_values == "a number ≥ 0 and < 1"
    assert FIELDS["limit"].allowed_values == "a whole number ≥ 1, or full"
    assert FIELDS["limit"].allowed_values_sentence == "A whole number ≥ 1, or full."
    assert FIELDS["network"].allowed_values_sentence == "One of: flat, deep."
    assert FIELDS["sizes"].allowed_values.endswith("or several separated by commas")
    with pytest.raises(InvalidValue) as refusal:
        FIELDS["batch_size"].parse(" ")
    assert str(refusal.value) == "batch size: a whole number ≥ 1, or full"
    with pytest.raises(InvalidValue) as refusal:
        FIELDS["epochs"].parse("x" * 10_000)
    assert len(str(refusal.value)) < 200


def test_fields_are_read_from_the_declaration():
    assert list(FIELDS)[-len(Sample.__annotations__) :] == list(Sample.__annotations__)
    assert FIELDS["share"].help == "How much of it."
    assert FIELDS["lr"].flag == "--lr"
    assert FIELDS["weight_decay"].flag == "--weight-decay"
    assert SAMPLE.fields["lr"].default == 0.5


# From defaults, overrides and given settings to the hyperparameters of a run


def test_given_settings_win_over_overrides_and_these_over_defaults():
    assert SAMPLE.resolve("study-hours", {}).lr == 0.5
    assert SAMPLE.resolve("noisy-line", {}).lr == 0.1
    assert SAMPLE.resolve("noisy-line", {"optimizer": "adam"}).lr == 0.001
    assert SAMPLE.resolve("noisy-line", {"optimizer": "adam", "lr": 3}).lr == 3.0
    assert SAMPLE.resolve("noisy-line", {"network": "deep"}).epochs == 70
    assert SAMPLE.resolve("noisy-line", {"network": "deep", "epochs": 2}).epochs == 2


def test_a_given_setting_without_an_effect_is_refused():
    with pytest.raises(InvalidValue, match=r"momentum has no effect with optimizer adam"):
        SAMPLE.resolve("study-hours", {"optimizer": "adam", "momentum": 0.5})
    with pytest.raises(InvalidValue, match=r"depth .* only with deep"):
        SAMPLE.resolve("study-hours", {"depth": 9})
    with pytest.raises(InvalidValue, match=r"nesterov has no effect with optimizer rmsprop"):
        SAMPLE.resolve("study-hours", {"optimizer": "rmsprop", "nesterov": True})
    with pytest.raises(
        InvalidValue, match=r"nesterov has no effect with momentum 0, only with > 0"
    ):
        SAMPLE.resolve("study-hours", {"momentum": 0.0, "nesterov": True})
    settled = SAMPLE.resolve("study-hours", {"network": "deep", "depth": 9})
    assert SAMPLE.relevant_settings(settled)["depth"] == 9


def test_a_default_without_an_effect_isnt_recorded():
    used = SAMPLE.relevant_settings(SAMPLE.resolve("study-hours", {"optimizer": "adam"}))
    assert not {"momentum", "nesterov", "depth", "lr_gamma", "clip_grad_norm"} & set(used)
    assert used["lr"] == 0.001
    assert {"momentum", "nesterov"} <= set(
        SAMPLE.relevant_settings(SAMPLE.resolve("study-hours", {}))
    )
    still = SAMPLE.relevant_settings(SAMPLE.resolve("study-hours", {"momentum": 0.0}))
    assert "momentum" in still
    assert "nesterov" not in still


def test_a_setting_that_needs_an_unused_one_is_unused_too():
    lecture = replace(SAMPLE, unused=("momentum", "lr_schedule", "network"))
    without = replace(lecture, hyperparameters=Sample())  # whose momentum is 0
    gone = {"nesterov", "lr_milestones", "lr_gamma", "depth"}
    assert not gone & set(without.fields)
    assert "weight_decay" in without.fields
    assert "nesterov" in lecture.fields


def test_a_setting_whose_unused_condition_holds_can_be_given_and_read_back():
    lecture = replace(SAMPLE, unused=("optimizer",), overrides={})
    assert lecture.resolve("digits", {"momentum": 0.9}).momentum == 0.9
    relevant = lecture.relevant_settings(lecture.resolve("digits", {}))
    assert lecture.resolve("digits", relevant) == lecture.resolve("digits", {})


def test_unknown_and_unused_settings_are_refused():
    for name in ("speed", "clip_grad_norm"):
        with pytest.raises(InvalidValue, match=f"sample has no hyperparameter '{name}'"):
            SAMPLE.resolve("study-hours", {name: 1})
