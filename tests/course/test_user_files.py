"""A user's own file: the files of its source, and how it is imported without collisions."""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

import tui_app
from models import LectureError, find_lecture
from models.loading.load import is_current, load_lecture
from models.user_files.source import LARGEST, SourceTooLarge, read_source
from models.user_files.trust import allow_named_file
from tests.program import command, environment, tutorch

NET = '''"""Mine."""
{imports}
from torch import nn
from models.lecture import Lecture

def build(spec, hyperparameters):
    {build}
    return nn.Linear(*spec.input_shape, 1)

LECTURE = Lecture(title="{title}", title_zh="我的", datasets=("study-hours",), model=build,
    criterion=nn.MSELoss)
'''


def write(path: Path, imports: str = "", title: str = "Mine", build: str = "pass") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(NET.format(imports=imports, title=title, build=build), encoding="utf-8")
    allow_named_file(path)
    return path


def write_all(folder: Path, texts: Mapping[str, str] | None = None, **more: str) -> None:
    for name, text in {**(texts or {}), **more}.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def value(path: Path, name: str) -> object:
    """A name of the module that declares the lecture in `path`."""
    lecture = load_lecture(path)
    return vars(sys.modules[lecture.model.__module__])[name]


# The files of a source


def test_a_source_has_the_lecture_and_all_local_modules_that_it_imports(tmp_path: Path):
    imports = (
        "import torch, os.path, helper as h, nets.blocks.residual\n"
        "from nets import heads\n"
        "if False:\n    from later import x\n"
        "def f():\n    import inside\n"
    )
    path = write(tmp_path / "my_net.py", imports)
    package = {
        "nets/__init__": "",
        "nets/heads": "from . import shared\nfrom .blocks import residual\nfrom ... import beyond",
        "nets/shared": "import unused_too.deep",
        "nets/blocks/residual": "from ..shared import x\nimport missing",  # without __init__.py
        "nets/blocks/unused": "",
    }
    circle = {"helper": "from deeper import x", "deeper": "import helper"}
    write_all(tmp_path, {**package, **circle, "inside": "", "later": "x = 1", "unused": ""})
    assert list(read_source(path).files) == [
        *("deeper.py", "helper.py", "inside.py", "later.py", "my_net.py"),
        *("nets/__init__.py", "nets/blocks/residual.py", "nets/heads.py", "nets/shared.py"),
    ]


def test_names_of_python_torch_and_tutorch_never_import_a_file_beside_the_lecture(tmp_path: Path):
    path = write(tmp_path / "net.py", "import random, torch, datasets, numpy.linalg, tui_app")
    write_all(
        tmp_path, random="1 / 0", torch="1 / 0", models="1 / 0", datasets="1 / 0", numpy="1 / 0"
    )
    assert list(read_source(path).files) == ["net.py"]
    assert load_lecture(path).title == "Mine"


def test_the_digest_changes_with_any_byte_and_any_name(tmp_path: Path):
    path = write(tmp_path / "net.py", "import helper")
    write_all(tmp_path, helper="x = 1", other="x = 1")
    digests = {read_source(path).digest}
    write_all(tmp_path, helper="x = 2")
    digests.add(read_source(path).digest)
    write(path, "import other")
    digests.add(read_source(path).digest)
    digests.add(read_source(path.rename(tmp_path / "net2.py")).digest)
    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests)


def test_reading_a_source_runs_nothing(tmp_path: Path):
    path = write(tmp_path / "net.py", "import helper\n1 / 0")
    write_all(tmp_path, helper="raise SystemExit(9)")
    assert list(read_source(path).files) == ["helper.py", "net.py"]


def test_a_warning_of_python_about_a_file_names_it(tmp_path: Path):
    helper = tmp_path / "helper.py"
    helper.write_text('digits = "\\d+"\n')
    write(tmp_path / "net.py", "import helper")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        read_source(tmp_path / "net.py")
    assert [(warning.filename, warning.lineno) for warning in warned] == [(str(helper), 1)]


def test_a_source_too_large_for_a_run_folder_is_refused_in_a_sentence(tmp_path: Path):
    path = write(tmp_path / "net.py", "import big")
    (tmp_path / "big.py").write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(SourceTooLarge, match="more than 8 MiB"):
        read_source(path)
    ended = tutorch("--no-tui", path)
    assert ended.exit_code == 1
    assert "more than 8 MiB" in ended.err


# How it is imported


def test_two_files_of_one_name_with_different_helpers_dont_collide(tmp_path: Path):
    for who in ("ann", "ben"):
        write(tmp_path / who / "my_net.py", f"from helper import WHO\n{who} = 1", who)
        write_all(tmp_path / who, helper=f"WHO = {who!r}")
    ann, ben = (tmp_path / who / "my_net.py" for who in ("ann", "ben"))
    assert [load_lecture(path).title for path in (ann, ben, ann)] == ["ann", "ben", "ann"]
    assert [value(path, "WHO") for path in (ann, ben, ann)] == ["ann", "ben", "ann"]
    assert not {"helper", "my_net"} & set(sys.modules)


@pytest.mark.parametrize(
    "name",
    ["torch.py", "random.py", "models.py", "my net.py", "我的网络.py", "my.net.v2.py", "1.py"],
)
def test_a_file_may_have_any_name(tmp_path: Path, name: str):
    path = write(tmp_path / name, "import helper, random\nfrom helper import x")
    write_all(tmp_path, helper="import torch\nx = torch.tensor(3)")
    import random

    lecture = load_lecture(path)
    assert lecture.name == name.removesuffix(".py")
    assert value(path, "x") == 3
    assert sys.modules["random"] is random is value(path, "random")
    assert not list(tmp_path.glob("__pycache__"))


def test_every_form_of_import_finds_the_modules_beside_it_as_python_does(tmp_path: Path):
    imports = (
        "import nets.blocks.residual, nets.blocks.residual as r\n"
        "from nets import *\n"
        "from nets import heads\n"
        "from .nets.heads import H as H2\n"
        "import helper\n"
        "found = nets.blocks.residual.R, r.R, heads.H, H2, shared.S, helper.__name__\n"
    )
    path = write(tmp_path / "net.py", imports)
    package = {
        "nets/__init__": "__all__ = ['shared']",
        "nets/heads": "from .shared import S\nH = S + 1",
        "nets/shared": "S = 1",
        "nets/blocks/residual": "from ..heads import H\nR = H + 1",
    }
    write_all(tmp_path, package, helper="import sys")
    *found, name = value(path, "found")  # pyright: ignore[reportGeneralTypeIssues]
    assert found == [3, 3, 2, 2, 1]
    assert name.endswith(".helper")


def test_an_import_inside_a_function_uses_the_source_that_was_read(tmp_path: Path):
    """Also in another thread, and after the file has changed."""
    path = write(
        tmp_path / "net.py",
        "def late():\n    from helper import x\n    import helper\n    return x",
    )
    write_all(tmp_path, helper="x = 'as it was read'")
    run = value(path, "late")
    write_all(tmp_path, helper="x = 'newer'")
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(run()))  # pyright: ignore[reportCallIssue]
    thread.start()
    thread.join()
    assert got == ["as it was read"]
    assert value(path, "late")() == "newer"  # pyright: ignore[reportCallIssue]


def test_a_file_is_imported_again_only_after_it_or_its_helper_has_changed(tmp_path: Path):
    path = write(tmp_path / "net.py", "from helper import x")
    write_all(tmp_path, helper="x = 1")
    first = load_lecture(path)
    assert is_current(first)
    assert load_lecture(path).model is first.model
    write_all(tmp_path, helper="x = 2")  # of the same size, in the same instant of a coarse clock
    assert not is_current(first)
    second = load_lecture(path)
    assert (value(path, "x"), is_current(second)) == (2, True)
    assert second.model is not first.model
    write(path, "x = 3")
    assert not is_current(second)
    path.unlink()
    assert not is_current(second)
    assert is_current(load_lecture(find_lecture(COURSE)))


COURSE = "lecture_05_linear_regression"


def test_tracebacks_show_the_lines_that_ran(tmp_path: Path):
    path = write(tmp_path / "net.py", "from helper import fail")
    write_all(tmp_path, helper="def fail():\n    return 1 / 0  # here")
    fail = value(path, "fail")
    write_all(tmp_path, helper="# other\n# lines")
    with pytest.raises(ZeroDivisionError) as caught:
        fail()  # pyright: ignore[reportCallIssue]
    text = "".join(traceback.format_exception(caught.value))
    assert f'File "{tmp_path / "helper.py"}", line 2, in fail' in text
    assert "return 1 / 0  # here" in text


@pytest.mark.parametrize(
    ("helper", "words"),
    [
        ("def", "helper.py line 1"),
        ("x = 1", "cannot import name 'nonesuch' from 'helper'"),
        ("import no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_a_helper_that_cant_be_imported_is_named(tmp_path: Path, helper: str, words: str):
    path = write(tmp_path / "net.py", "from helper import nonesuch")
    write_all(tmp_path, helper=helper)
    with pytest.raises(LectureError, match=r"net\.py fails when imported") as caught:
        load_lecture(path)
    assert words in str(caught.value)
    assert "tutorch_user" not in str(caught.value)
    write_all(tmp_path, helper="nonesuch = 1")
    assert value(path, "nonesuch") == 1  # after the fix it imports: no failure is cached


@pytest.mark.parametrize(
    ("imports", "words"),
    [
        ("from models import Net", "Rename your models.py: the name models always means"),
        ("import importlib\nimportlib.import_module('helper')", "with an import statement"),
    ],
)
def test_an_import_that_misses_a_file_beside_the_lecture_says_what_to_change(
    tmp_path: Path, imports: str, words: str
):
    write_all(tmp_path, models="class Net: pass", helper="")
    with pytest.raises(LectureError, match=words):
        load_lecture(write(tmp_path / "net.py", imports))


def test_the_reserved_names_are_those_of_what_tutorch_depends_on():
    import tomllib
    from importlib.metadata import packages_distributions

    from models.user_files.source import RESERVED

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    wanted = {text.split(">")[0].strip() for text in project["project"]["dependencies"]}
    modules = {
        module
        for module, names in packages_distributions().items()
        if {name.lower() for name in names} & wanted and not module.startswith("_")
    }
    assert {"torch", "sklearn", "pynvml"} <= modules
    assert {m for m in modules if m.isidentifier()} - RESERVED <= {
        "functorch",
        "torchgen",
        "example",
    }


def test_tutorch_trains_in_a_folder_of_files_named_like_pythons_and_torchs(tmp_path: Path):
    write_all(tmp_path, random="1 / 0", models="1 / 0", signal="1 / 0", rich="1 / 0")
    write(tmp_path / "torch.py")
    done = subprocess.run(
        command("--no-tui", "torch.py", "--epochs", "1"),
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_file_called_random_isnt_imported_by_multiprocessings_children(tmp_path: Path):
    for name in ("random", "signal"):
        (tmp_path / f"{name}.py").write_text("open('harm', 'w').close()\n1 / 0")
    first = "import multiprocessing; multiprocessing.set_start_method('forkserver')"
    batches = ["--no-tui", "08_data", "--epochs", "1", "--workers", "1", "--batch-size", "full"]
    words = command(*batches, first=f"sys.path.remove('')\n{first}")
    done = subprocess.run(words, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "harm").exists()


def test_files_named_like_tutorchs_packages_do_no_harm(tmp_path: Path):
    """For the installed program, and for the process that continues a run without the app."""
    names = ("tui_app", "datasets", "models", "torch", "numpy", "pathlib")
    for name in names:
        (tmp_path / f"{name}.py").write_text("open('harm', 'w').close()\n1 / 0")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "tutorch"
    program.write_text("import sys\nfrom tui_app.__main__ import main\nsys.exit(main())")
    write(tmp_path / "mine.py", "from .datasets import WIDTH")
    (tmp_path / "datasets.py").write_text("WIDTH = 8")
    resume = ["-P", "-m", "tui_app", "resume", "last", "--epochs", "2", "--no-tui"]
    for words in ([str(program), "--no-tui", "mine.py", "--epochs", "1"], resume):
        done = subprocess.run(
            [sys.executable, *words], env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert not (tmp_path / "harm").exists()


def test_a_file_in_tutorchs_folder_never_replaces_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_all(tmp_path, torch="1 / 0", found_nowhere_else="1 / 0")
    monkeypatch.setattr(tui_app, "_top", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch")
    assert _place("torch").parent.name == "torch"
    assert _place("found_nowhere_else").parent == tmp_path


def _place(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    return Path(str(spec.origin))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("torch", "my_torch"),
        ("Models.py", "my_models"),
        ("random", "my_random"),
        ("class", "my_class"),
        ("lecture_09_softmax_classifier", "my_softmax_classifier"),
    ],
)
def test_a_new_file_cant_have_a_reserved_name(tmp_path: Path, name: str, other: str):
    ended = tutorch("new", name)
    assert ended.exit_code == 2
    assert f"take another name, such as {other}" in ended.err
    assert list(tmp_path.glob("*.py")) == []
    assert tutorch("new", other).exit_code == 0


def test_a_syntax_error_shows_the_line_as_it_is_now(tmp_path: Path):
    path = tmp_path / "net.py"
    allow_named_file(path)
    path.write_text("x = 1\ny = (x)\n", encoding="utf-8")
    with pytest.raises(LectureError):  # it declares no lecture, and its lines are remembered
        load_lecture(path)
    path.write_text("x = 1\ny = (x\n", encoding="utf-8")
    with pytest.raises(LectureError) as caught:
        load_lecture(path)
    assert str(caught.value).splitlines()[-1] == "    y = (x"
