"""Code that isn't tutorch's own runs only when the user has named its file or has trusted it."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from models.loading.load import load_lecture
from models.user_files import owners, trust_store
from models.user_files.source import read_source
from models.user_files.trust import UntrustedSource, allow_named_file, trust
from tests.others_runs import (
    HEAD,
    NET,
    belongs_to_eve,
    change_code,
    hostile,
    next_program,
    record,
    run_of_another,
    write,
)
from tests.program import LONGEST, ROOT, command, environment, train, tutorch
from tui_app.commands.trust_prompt import load_trusted
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_table import settings_for_form
from tui_app.runs.run_trust import is_trust_unsaved
from tui_app.runs.settings.configuration import refused_settings
from tui_app.training.resume import resume_run
from tui_app.training.steering.control import Control

#: Every command that opens a run with its lecture.
OPENING = {
    "views": ("show", "--views"),
    "view": ("show", "--view", "data"),
    "predict": ("predict", "4"),
    "evaluate": ("evaluate",),
    "export": ("export", "--out", "script.py"),
    "resume": ("resume", "--no-tui", "--epochs", 2),
}

OURS = ("models", "datasets", "tui_app")

IMPORTERS = {"import_module", "__import__", "load_module", "run_path", "run_module",
    "module_from_spec", "spec_from_file_location"}  # fmt: skip

ASKED = "isn't trusted, so its code doesn't run"


def opened(how: str, run: Path, *more: str) -> Any:
    name, *words = OPENING[how]
    return tutorch(name, run, *words, *more)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that hostile code writes if it runs."""
    return tmp_path / "it-ran"


@pytest.fixture
def run(tmp_path: Path, mark: Path) -> Path:
    return run_of_another(tmp_path, hostile(mark))


@pytest.fixture
def of_eve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    return belongs_to_eve(monkeypatch)


# Another user's run


@pytest.mark.parametrize("how", OPENING)
def test_the_code_of_a_run_does_not_run_until_it_is_trusted(how: str, run: Path, mark: Path):
    refused = opened(how, run)
    assert (refused.exit_code, refused.out) == (2, "")
    assert f"{run / 'source' / 'my_net.py'} {ASKED}" in refused.err
    assert "`--trust`" in refused.err
    assert tutorch("show", run).exit_code == 0
    assert tutorch("runs").exit_code == 0
    assert not mark.exists()
    allowed = opened(how, run, "--trust")
    assert allowed.exit_code == 0, allowed.err
    assert "is trusted from now on, until it changes" in allowed.err
    assert mark.exists()
    assert opened("evaluate", run).exit_code == 0  # the trust is stored
    change_code(run, "head.py", f"{HEAD}# other")
    assert ASKED in opened("evaluate", run).err


@pytest.mark.parametrize("name", ["my_net.py", "lecture_09_softmax_classifier.py"])
def test_a_file_that_run_json_of_an_earlier_version_names_does_not_run(
    name: str, run: Path, mark: Path, tmp_path: Path
):
    planted = write(tmp_path / "planted", hostile(mark)).rename(tmp_path / "planted" / name)
    shutil.rmtree(run / "source")
    record(run, source=None, lecture=planted.stem, lecture_file=str(planted))
    for how in OPENING:
        refused = opened(how, run)
        assert (refused.exit_code, f"{planted} {ASKED}" in refused.err) == (2, True)
    with pytest.raises(UntrustedSource):
        settings_for_form(RunFolder(run))
    assert not mark.exists()
    assert opened("evaluate", run, "--trust").exit_code == 0
    assert mark.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_fifo_that_run_json_names_as_the_original_doesnt_block(run: Path, tmp_path: Path):
    os.mkfifo(tmp_path / "my_net.py")
    record(run, source={**record(run)["source"], "path": str(tmp_path / "my_net.py")})
    assert opened("evaluate", run, "--trust").exit_code == 0
    record(run, source=None, lecture="my_net", lecture_file=str(tmp_path / "my_net.py"))
    assert opened("evaluate", run).exit_code == 1


def test_the_current_file_that_a_run_names_is_asked_about_too(
    run: Path, mark: Path, tmp_path: Path
):
    assert opened("evaluate", run, "--trust").exit_code == 0
    mark.unlink()
    other = write(tmp_path / "planted", f"{hostile(mark)}# other")
    record(run, source={**record(run)["source"], "path": str(other)})
    refused = opened("resume", run, "--source", "current")
    assert (refused.exit_code, f"{other} {ASKED}" in refused.err) == (2, True)
    assert not mark.exists()
    assert opened("resume", run, "--source", "current", "--trust").exit_code == 0
    assert mark.exists()


def test_only_the_trust_check_leads_to_code_that_isnt_tutorchs(run: Path):
    """Every new way to import by name or to run text has to pass the trust check too."""
    found = set()
    files = [path for top in OURS for path in ROOT.joinpath(top).rglob("*.py")]
    for path in files:
        if not re.search("exec|eval|import_|load_module|run_|spec_", path.read_text("utf-8")):
            continue  # parsing all of them takes a second
        for node in ast.walk(ast.parse(path.read_bytes())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            name = called.rpartition(".")[2]
            if name in IMPORTERS or called in ("exec", "eval"):
                found.add((str(path.relative_to(ROOT)), name))
    assert found == {
        ("datasets/__init__.py", "import_module"),  # datasets.<one of the data sets>
        ("datasets/reading/encoder_records.py", "import_module"),  # one of those that it lists
        ("models/loading/load.py", "import_module"),  # models.<one of the course>
        ("models/loading/load.py", "load_module"),  # after the trust check
        ("models/user_files/importing.py", "import_module"),
        ("models/user_files/importing.py", "__import__"),
        ("models/user_files/importing.py", "exec"),
        ("tui_app/cli.py", "import_module"),  # tui_app.commands.<one of the commands>
        ("tui_app/inspection/probes/__init__.py", "import_module"),
        ("tui_app/views/__init__.py", "import_module"),
    }
    with pytest.raises(UntrustedSource):
        resume_run(RunFolder(run), Control(), lambda progress: None)


# Files that the user names, and that the user trained


def test_a_file_that_is_named_runs_and_the_copy_that_its_run_keeps_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    net = write(tmp_path / "mine")
    run = train(net)
    assert not is_trust_unsaved(RunFolder(run))
    assert tutorch("evaluate", run).exit_code == 0
    net.write_text(f"{NET}# changed")  # and opened with the copy
    next_program(monkeypatch)
    assert tutorch("evaluate", run).exit_code == 0
    refused = tutorch("resume", run, "--epochs", 2, "--no-tui", "--source", "current")
    assert (refused.exit_code, f"{net} {ASKED}" in refused.err) == (2, True)
    train(net)
    run = tutorch("resume", run, "--epochs", 2, "--no-tui", "--source", "current").run
    assert tutorch("evaluate", run).err == ""


def test_a_file_of_another_user_is_asked_about_though_it_is_named(
    tmp_path: Path, of_eve: Callable[[Path], None]
):
    net = write(tmp_path / "theirs")
    of_eve(net.parent / "head.py")  # a module that it imports is enough
    refused = tutorch("--no-tui", net)
    assert (refused.exit_code, refused.out) == (2, "")
    assert "my_net.py, which belongs to uid 12345, isn't trusted" in refused.err
    assert tutorch("--no-tui", "--model", f"{net.parent / 'head.py'}:Head", "05").exit_code != 0
    run = train(net, "--trust")
    assert tutorch("evaluate", run).exit_code == 0
    train(net)  # while it is unchanged
    (net.parent / "head.py").write_text(f"{HEAD}# other")
    assert tutorch("--no-tui", net).exit_code == 2


def test_what_the_user_trained_is_asked_about_where_it_lies_in_anothers_folder(
    tmp_path: Path, of_eve: Callable[[Path], None]
):
    net = write(tmp_path / "mine")
    train(net)
    copy = shutil.copytree(net.parent, tmp_path / "theirs") / net.name
    of_eve(copy.parent)
    assert tutorch("--no-tui", copy).exit_code == 2
    link = tmp_path / "link.py"
    link.symlink_to(copy)  # its target counts
    assert tutorch("--no-tui", link).exit_code == 2
    trust(read_source(copy))
    assert tutorch("--no-tui", link).exit_code == 0


def test_roots_files_and_those_of_the_caller_of_sudo_count_as_the_users(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(owners.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("SUDO_UID", "12345")
    assert owners.foreign_uids({0, 1000, 12345}) == {12345}
    monkeypatch.setattr(owners.os, "geteuid", lambda: 0)
    assert owners.foreign_uids({0, 1000, 12345}) == {1000}
    assert owners.user_names({0, 12345}) == "root (uid 0) and uid 12345"


# What is stored


def test_a_damaged_entry_trusts_nothing_and_is_reported(tmp_path: Path, run: Path):
    assert opened("evaluate", run, "--trust").exit_code == 0
    (entry,) = (tmp_path / "state" / "trusted").iterdir()
    whole = entry.read_text()
    for text in ("", "[]", '{"owners": ["0"]}', "[" * 9000, whole.replace("[]", "3")):
        entry.write_text(text)
        refused = opened("evaluate", run)
        assert refused.exit_code == 2
        assert f"({entry} can't be used: " in refused.err
    assert opened("evaluate", run, "--trust").exit_code == 0  # it is written again
    assert opened("evaluate", run).exit_code == 0
    entry.unlink()  # which revokes the trust
    assert opened("evaluate", run).exit_code == 2


def test_an_entry_that_another_user_wrote_trusts_nothing(
    tmp_path: Path, run: Path, of_eve: Callable[[Path], None]
):
    assert opened("evaluate", run, "--trust").exit_code == 0
    of_eve(tmp_path / "state" / "trusted")
    assert "another user owns it" in opened("evaluate", run).err


@pytest.mark.parametrize("is_there", [True, False])
def test_without_a_state_folder_trust_lasts_until_the_program_ends(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
):
    (tmp_path / "file").touch()  # below which even root makes no folder
    monkeypatch.setenv("TUTORCH_STATE_DIR", str(tmp_path / "file" / "state") if is_there else "")
    allowed = opened("evaluate", run, "--trust")
    assert allowed.exit_code == 0
    assert ("is trusted only until this program ends" in allowed.err) == is_there
    next_program(monkeypatch)
    assert opened("evaluate", run).exit_code == 2
    trained = tutorch("--no-tui", write(tmp_path / "mine"))
    assert trained.exit_code == 0
    assert is_trust_unsaved(RunFolder(trained.run))  # so a process that resumes it is told
    next_program(monkeypatch)
    assert opened("resume", trained.run).exit_code == 2
    assert opened("resume", trained.run, "--source", "kept", "--trust").exit_code == 0
    assert ("tutorch will ask again" in trained.err) == is_there


def test_many_programs_may_store_trust_at_once_and_doctor_says_where(tmp_path: Path):
    sources = [read_source(write(tmp_path / "nets", f"{NET}# {number}")) for number in range(20)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(trust, [*sources, *sources])) == {""}
    assert trust_store.count() == 20
    assert tutorch("doctor", "--json").json["trusted"] == (
        f"{tmp_path / 'state' / 'trusted'}, 20 files"
    )


# Asked on a terminal


class Typed(io.StringIO):
    """A terminal on which the user typed this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "is_trusted"), [("y\n", True), ("\n", False), ("", False)])
def test_on_a_terminal_it_is_asked_whose_code_it_is_and_what_comes_with_it(
    answer: str,
    tmp_path: Path,
    of_eve: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_trusted: bool,
):
    net = write(tmp_path / "their\x1bs")
    of_eve(net.parent)
    shown = Typed()
    monkeypatch.setattr(sys, "stdin", Typed(answer))
    monkeypatch.setattr(sys, "stderr", shown)
    allow_named_file(net)
    try:
        assert load_trusted(lambda: load_lecture(net)).title == "Mine"
        assert is_trusted
    except UntrustedSource:
        assert not is_trusted
    text = shown.getvalue()
    assert all(word in text for word in ("my_net.py", "uid 12345", "head.py", "[y/N]"))
    assert "\x1b" not in text


def test_the_question_on_a_terminal_and_the_answer(run: Path, mark: Path):
    words = command("show", run, "--views")
    child = pexpect.spawn(
        words[0], words[1:], env=environment(), encoding="utf-8", timeout=LONGEST,
        dimensions=(24, 200),
    )  # fmt: skip
    child.expect(r"Trust it\? \[y/N\] ")
    assert not mark.exists()
    child.sendline("y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert mark.exists()


# A tutorch.toml of another user


def test_paths_in_a_configuration_of_another_user_are_refused_and_the_rest_holds(
    tmp_path: Path, of_eve: Callable[[Path], None]
):
    lines = ['runs_dir = "/tmp/theirs"', 'data_dir = "/tmp/data"', "epochs = 3"]
    Path("tutorch.toml").write_text("\n".join([*lines, "[05]", 'dataset = "csv:/tmp/t.csv"']))
    of_eve(Path("tutorch.toml"))
    ended = tutorch("--no-tui", "05")
    assert ended.exit_code == 0, ended.err
    assert ended.run.is_relative_to(tmp_path / "runs")
    for place in ("line 1: runs_dir", "line 2: data_dir", "line 5: dataset"):
        said = "is refused: it names a path, and the file belongs to uid 12345"
        assert f"tutorch.toml, {place} {said}" in ended.err
    assert tutorch("show", "last", "--json").json["epochs"] == 3
    assert "line 1: runs_dir is refused" in tutorch("runs").err
    assert "line 2: data_dir is refused" in tutorch("doctor").err
    given = tutorch("--no-tui", "05", "--runs-dir", "mine", "--dataset", "study-hours")
    assert "runs_dir" not in given.err
    assert given.run.is_relative_to(tmp_path / "mine")


def test_a_path_is_refused_in_a_setting_of_a_users_own_lecture_too(
    tmp_path: Path, of_eve: Callable[[Path], None]
):
    values = {"weights": "../a.pt", "weights_of": ["~/a"], "name": "plain", "target": "km/h"}
    Path("tutorch.toml").write_text("\n".join(f"{k} = {json.dumps(v)}" for k, v in values.items()))
    assert refused_settings(values) == []
    Path("tutorch.toml").rename("theirs.toml")
    of_eve(Path("theirs.toml"))
    Path("tutorch.toml").symlink_to("theirs.toml")
    assert [text.split()[2:4] for text in refused_settings(values)] == [
        ["1:", "weights"],
        ["2:", "weights_of"],
    ]
