"""Any content of a file that tutorch reads leads to a message and a documented exit code.

hypothesis makes the files: their values of wrong types and sizes, their texts with everything that
a terminal would act upon. `tutorch` of tests.program looks at all that is written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.program import metrics_lines, tutorch
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.listing import summarise
from tui_app.runs.metrics.metrics_rewind import rewind_metrics
from tui_app.runs.run_folder import RunFolder

Trained = Callable[..., Path]

CODES = (0, 1, 2, 3)

quickly = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["\x1b[2J\x1b]0;x\x07", "../../etc/passwd", "\u202egnp", "\x9b31m", "[red]x[/]"]
    ),
    st.sampled_from(["", "nan", "1e999", "last", "x" * 5000]),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**30), 1e308, math.nan, math.inf, -math.inf, 2**63, 0]),
)
plain = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


def changed(record: dict[str, Any], changes: dict[str, Any], into: str) -> dict[str, Any]:
    """The record with some of its values, or of those in one of its dicts, replaced."""
    if isinstance(record.get(into), dict):
        return {**record, into: {**record[into], **changes}}
    return {**record, **changes}


def write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


@quickly
@given(data=st.data())
@pytest.mark.parametrize("name", ["run.json", "status.json"])
def test_a_record_with_anything_in_it(trained_once: Path, name: str, data: st.DataObject):
    path = trained_once / name
    whole = path.read_text(encoding="utf-8")
    record = json.loads(whole)
    into = data.draw(st.sampled_from(["", "hyperparameters", "options", "base_rates"]))
    names = list(record.get(into) or record)
    changes = data.draw(st.dictionaries(st.sampled_from(names), values, min_size=1, max_size=3))
    try:
        write(path, changed(record, changes, into))
        for argv in (["runs"], ["show", trained_once], ["evaluate", trained_once]):
            assert tutorch(*argv).exit_code in CODES, changes
        summarise(RunFolder(trained_once))
        followed = RecordedRun(RunFolder(trained_once))
        followed.settings()
        followed.poll()
    finally:
        path.write_text(whole, encoding="utf-8")


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that all examples share."""
    runs = tmp_path_factory.mktemp("runs")
    return tutorch("--no-tui", "04", "--epochs", 2, "--runs-dir", runs).run


@quickly
@given(data=st.data())
@pytest.mark.parametrize("command", ["resume", "export", "attach"])
def test_a_record_of_a_run_that_is_resumed_with_anything_in_it(
    trained_once: Path, command: str, data: st.DataObject
):
    path = trained_once / "run.json"
    whole = path.read_text(encoding="utf-8")
    record = json.loads(whole)
    into = data.draw(st.sampled_from(["", "hyperparameters", "options"]))
    names = list(record.get(into) or record)
    changes = {data.draw(st.sampled_from(names)): data.draw(values)}
    arguments = {"resume": ["--no-tui"], "export": ["--help"], "attach": []}[command]
    try:
        write(path, changed(record, changes, into))
        # Every epoch is trained already: nothing is left to do but to find that out, or what else.
        assert tutorch(command, trained_once, *arguments).exit_code in (*CODES, 4), changes
    finally:
        path.write_text(whole, encoding="utf-8")


_NAMES = "epoch first_step lr losses step value metric text seconds train_loss test_accuracy run"
_NAMES = [*_NAMES.split(), "state", "reason", "samples_per_second"]

_LINES = st.one_of(
    st.builds(
        lambda kind, more: json.dumps({"kind": kind, **more}),
        st.sampled_from(["steps", "epoch", "best", "warning", "control", "completed", "other"]),
        st.dictionaries(
            st.sampled_from(_NAMES),
            st.one_of(values, st.lists(numbers, max_size=5)),
            max_size=8,
        ),
    ),
    texts,
    st.sampled_from(["[" * 100_000, '{"kind":' * 50_000, "9" * 9999, "\x00", '{"kind": "epoch"']),
)


def steps(**more: Any) -> str:
    return json.dumps(
        {"kind": "steps", "epoch": 1, "first_step": 1, "lr": 1, "losses": [1], **more}
    )


def epoch(**more: Any) -> str:
    return json.dumps({"kind": "epoch", "epoch": 1, "step": 1, "lr": 1, **more})


@quickly
@given(lines=st.lists(_LINES, max_size=6), cut=st.integers(0, 20))
@example(["[" * 100_000, '{"kind":' * 50_000, "9" * 9999], 0)
@example([steps(losses=[10**400]), steps(lr=10**400), steps(first_step=-5)], 0)
@example([steps(first_step=10**18), steps(first_step=10**400), steps(first_step=1.5)], 0)
@example([steps(epoch=None), steps(lr=None), steps(first_step=None), steps(losses=[None])], 0)
@example([epoch(epoch=10**400), epoch(step=None), epoch(seconds=-1e308), epoch(lr=1e999)], 0)
@example([epoch(train_loss=10**400, test_loss=-math.inf), epoch(step=-1, samples_per_second=0)], 0)
@example([json.dumps({"kind": "best", "epoch": {}, "step": [], "metric": 3, "value": "x"})], 0)
@example([json.dumps({"kind": "control", "first_step": "x", "lr": "x", "run": None})], 0)
@example([json.dumps({"kind": "warning", "epoch": 1, "step": "x", "text": ["\x1b[2J"]})], 0)
@example([json.dumps({"kind": "completed", "state": 3, "reason": 4, "values": 5, "step": "x"})], 0)
def test_metrics_with_any_lines(trained_once: Path, lines: list[str], cut: int):
    path = trained_once / "metrics.jsonl"
    whole = path.read_bytes()
    added = "\n".join(lines).encode("utf-8", errors="surrogatepass")
    try:
        path.write_bytes(whole + added[: len(added) - cut] if cut else whole + added + b"\n")
        assert len(list(metrics_lines(path))) >= 1
        for argv in (["runs"], ["show", trained_once], ["show", trained_once, "--json"]):
            assert tutorch(*argv).exit_code in CODES
        followed = RecordedRun(RunFolder(trained_once))
        while not followed.is_over:
            followed.poll()
        rewind_metrics(path, 2, 10)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["metrics.jsonl", "log.txt"])
def test_a_line_of_ten_megabytes_is_skipped(trained: Trained, name: str):
    run = trained("04", "--epochs", "2")
    with (run / name).open("a", encoding="utf-8") as file:
        file.write('{"kind": "warning", "step": 1, "epoch": 1, "text": "' + "x" * 10**7 + '"}\n')
        file.write('"' + "y" * 10**7 + '"\n')
    for argv in (["runs"], ["show", run]):
        assert tutorch(*argv).exit_code == 0
    followed = RecordedRun(RunFolder(run))
    while not followed.is_over:
        followed.poll()


_SETTINGS = ["epochs", "lr", "optimizer", "batch-size", "batch_size", "dataset", "widths", "seed"]
_SETTINGS += ["runs-dir", "runs_dir", "device", "save_every", "lecture_04_back_propagation", "x"]


def as_toml(value: Any) -> str:
    """TOML for a value, or text that isn't TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value) if isinstance(value, str) else str(value)


@quickly
@given(content=st.dictionaries(st.sampled_from(_SETTINGS) | texts, values, max_size=4), raw=texts)
def test_a_configuration_with_anything_in_it(content: dict[str, Any], raw: str):
    lines = [f"{name} = {as_toml(value)}" for name, value in content.items()]
    text = "\n".join([*lines, raw])
    Path("tutorch.toml").write_bytes(text.encode("utf-8", errors="surrogatepass"))
    for argv in (["--no-tui", "04", "--help"], ["runs"], ["lectures"]):
        assert tutorch(*argv).exit_code in CODES


@pytest.mark.parametrize(
    "content",
    ["[" * 10_000, "x = " + "[" * 10_000, 'x = "' + "y" * 10**7 + '"', "\x1b = 3", "zz=1"],
)
def test_an_invalid_configuration_is_named(content: str):
    Path("tutorch.toml").write_text(content, encoding="utf-8")
    ended = tutorch("--no-tui", "04", "--epochs", 1)
    assert ended.exit_code == 2
    assert "tutorch.toml" in ended.err


@quickly
@given(name=texts, heading=texts, kinds=st.lists(texts, min_size=2, max_size=3, unique=True))
def test_a_users_table_with_any_names(name: str, heading: str, kinds: list[str]):
    """The names of columns and classes don't affect the losses."""

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    rows = [f"{number},{number % 3},{cell(kinds[number % len(kinds)])}" for number in range(24)]
    table = "\n".join([f"width,{cell(heading)},kind", *rows])
    path = Path("table.csv")
    path.write_bytes(table.encode("utf-8", errors="surrogatepass"))
    own = ("--dataset", f"csv:{path}", "--target", "kind", "--epochs", 1)
    assert tutorch("--no-tui", "softmax", *own, "--runs-dir", "own").exit_code in CODES
    own = ("--dataset", f"csv:{path}", "--target", name)
    assert tutorch("--no-tui", "softmax", *own, "--runs-dir", "own").exit_code in CODES


@pytest.mark.parametrize("name", ["../up", "with spaces", "名字", "\x1b[2J\x07", "..", "~", "-x"])
def test_runs_in_folders_of_any_name(trained: Trained, name: str):
    run = trained("04", "--epochs", "2")
    below = Path("place") / name
    Path("place").mkdir()
    if name != "..":
        run.parent.parent.rename(below)
    for words in (["runs"], ["show", "last"], ["show", name], ["evaluate", "last"]):
        ended = tutorch(*words, "--runs-dir", below)
        assert ended.exit_code in CODES
    renamed = below / "04\x1b[31m" / f"{name.replace('/', '')}\x9b2J"
    if name != "..":
        next(below.glob("*")).rename(renamed.parent)
        next(renamed.parent.glob("*")).rename(renamed)
        assert "04" in tutorch("runs", "--runs-dir", below).out
        assert tutorch("show", "last", "--runs-dir", below).exit_code == 0
        assert tutorch("resume", "last", "--no-tui", "--runs-dir", below).exit_code in CODES


@pytest.mark.parametrize("damage", ["none", "cut", "empty"])
def test_a_users_images_in_folders_and_files_of_any_name(damage: str):
    for number, kind in enumerate(["\x1b[2Ja", "[red]b[", "\u202ec"]):
        place = Path("pictures") / kind
        place.mkdir(parents=True)
        for picture in range(6):
            file = place / f"\x9b2J{picture}\x07.png"
            Image.new("L", (28, 28), 80 * number + picture).save(file)
            if picture == 0 and damage != "none":
                content = file.read_bytes()
                file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    ended = tutorch("--no-tui", "softmax", "--dataset", "folder:pictures", "--epochs", 1)
    assert ended.exit_code == (0 if damage == "none" else 3), ended.err
    if damage == "none":
        picture = next(Path("pictures").rglob("*.png"))
        assert tutorch("predict", "last", picture).exit_code == 0
        assert tutorch("show", "last", "--view", "confusion", "--size", "80x24").exit_code in CODES


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -1, pytest.param(10**400, id="huge"), "1", None, [], 1.5]
)
@pytest.mark.parametrize("name", ["seconds", "lr", "epoch", "parts", "so_far", "best"])
def test_a_checkpoint_with_anything_in_its_plain_values(trained_once: Path, name: str, value: Any):
    path = trained_once / "last.pt"
    whole = {file: file.read_bytes() for file in trained_once.iterdir() if file.is_file()}
    state = torch.load(path, weights_only=True)
    into = {"so_far": state["so_far"], "best": state["best"][0]}.get(name, state)
    into[{"so_far": "seconds", "best": "value"}.get(name, name)] = value
    torch.save(state, path)
    (trained_once / "previous.pt").unlink(missing_ok=True)
    try:
        resumed = tutorch("resume", trained_once, "--epochs", 3, "--no-tui")
        is_sound = (value == 1.5 and name not in ("epoch", "parts")) or (name, value) == (
            "best",
            -1,
        )
        assert resumed.exit_code == (0 if is_sound else 1)
        assert ("last.pt doesn't belong to this run" in resumed.err) == (not is_sound)
    finally:
        for file, content in whole.items():
            file.write_bytes(content)


@pytest.mark.parametrize("schedule", [[[0, math.inf]], [[math.nan, 3]], [[0]], 5, []])
def test_a_record_with_an_invalid_schedule(trained_once: Path, schedule: Any):
    path = trained_once / "run.json"
    whole = path.read_text(encoding="utf-8")
    try:
        write(path, {**json.loads(whole), "schedule": schedule})
        exported = tutorch("export", trained_once, "--out", "script.py")
        assert exported.exit_code == 1
        assert "run.json can't be used" in exported.err
    finally:
        path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("name", ["run.json", "status.json"])
def test_a_record_with_more_epochs_than_a_number_can_have(trained_once: Path, name: str):
    path = trained_once / name
    whole = path.read_text(encoding="utf-8")
    record = json.loads(whole)
    try:
        write(path, changed(record, {"epochs": 10**400, "epoch": 10**400}, "hyperparameters"))
        listed = tutorch("runs", "--runs-dir", trained_once.parent.parent)
        assert listed.exit_code == 0
        assert "damaged" in listed.out
    finally:
        path.write_text(whole, encoding="utf-8")
