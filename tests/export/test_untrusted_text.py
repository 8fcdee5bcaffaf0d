"""Untrusted text from a run folder reaches a script as literals and comments only."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.fields import InvalidValue
from tests.program import train
from tui_app.export import script_of
from tui_app.export.literals import literal
from tui_app.inspection.probe_context import ProbeContext, context_of_run
from tui_app.runs.errors import DamagedRun
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord


def record(device: str, **more: Any) -> RunRecord:
    """A minimal run.json of a run on this device."""
    values = {"lecture": "x", "dataset": "x", "hyperparameters": {"epochs": 1}, "device": device}
    return RunRecord.of({**values, **more})


def shape_of(script: str) -> str:
    """The script's syntax tree without the values of its constants."""

    class Blank(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant(type(node.value).__name__)

    return ast.dump(Blank().visit(ast.parse(script)))


hostile = st.one_of(
    st.text(),
    st.sampled_from(
        [
            *(
                "''',#",
                '"""\nimport os\n"""',
                "\\",
                "x\nimport os",
                "x\rimport os #",
                "\x0cimport os",
            ),
            *(
                "x\u2028import os",
                "x\x85import os",
                "# 1. Data",
                "import math\n",
                "{0}",
                "%s",
                "\0",
            ),
            *("coding: utf-7 +AAo-import os", "# -*- coding: rot13 -*-", "\ud800", "\u202e"),
        ]
    ),
)


@pytest.fixture(scope="module")
def to_export(tmp_path_factory: pytest.TempPathFactory) -> ProbeContext:
    """A run on data with classes and images."""
    folder = tmp_path_factory.mktemp("runs")
    run = train("softmax", "--epochs", 1, "--runs-dir", folder)
    context, few = context_of_run(RunFolder(run)), np.arange(8)
    return replace(context, train=context.train.subset(few), split=context.split.subset(few))


@given(texts=st.lists(hostile, min_size=10, max_size=10))
@example(["''',#"] * 10)
@example(['"""\nimport os\nos.system("id")\n"""'] * 10)
@example(["# 1. Data"] * 10)
@settings(max_examples=60, deadline=None)
def test_untrusted_texts_change_only_literals_and_comments_of_a_script(
    to_export: ProbeContext, texts: list[str]
):
    title, folder, version, dataset, stem, *classes = texts
    spec = replace(to_export.data.spec, classes=tuple(classes), vocabulary=tuple(texts))
    lecture = replace(to_export.settings.lecture, title=title, title_zh=title)
    name = folder.replace("/", "").replace("\0", "") or "x"
    context = replace(
        to_export,
        data=replace(to_export.data, spec=spec),
        settings=replace(
            to_export.settings,
            lecture=lecture,
            options=replace(to_export.settings.options, dataset=dataset),
        ),
        folder=RunFolder(Path("/nowhere") / name / name),
    )
    script, _ = script_of(context, record("cpu", versions={"torch": version}), stem)
    compile(script.encode("utf-8"), "script.py", "exec", dont_inherit=True)
    spec = replace(spec, classes=("a",) * len(classes), vocabulary=("a",) * len(texts))
    plain = replace(
        context, data=replace(context.data, spec=spec), folder=RunFolder(Path("/nowhere/a"))
    )
    assert shape_of(script) == shape_of(script_of(plain, record("cpu"), "script")[0])


@pytest.mark.parametrize("device", ["''',#", "gpu", ""])
def test_a_run_without_a_valid_device_is_not_exported(to_export: ProbeContext, device: str):
    with pytest.raises(DamagedRun, match="names no device"):
        script_of(to_export, record(device), "script")


def test_a_literal_is_made_of_plain_values_only():
    class Sly(str):
        def __repr__(self) -> str:
            return "__import__('os')"

    values = {"a": [math.nan, math.inf, -math.inf, np.float32(0.5)], "b": (Sly("x"), None, True)}
    text = literal(values)
    assert "import" not in text
    read = eval(text)  # harmless, as checked above
    assert math.isnan(read["a"].pop(0))
    assert read == {"a": [math.inf, -math.inf, 0.5], "b": ("x", None, True)}
    with pytest.raises(InvalidValue, match="can't hold a value of type"):
        literal(object())
