"""Other packages named `datasets` and `models` don't collide with ours; a wheel is complete."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_wheel

from models import lecture_names
from tests.program import ROOT, python

#: What a program of someone else's sees.
THEIRS = "import datasets, models; print(datasets.WHOSE, models.WHOSE)"

#: What tutorch sees, and whether it works.
OURS = (
    "import tui_app, datasets, models\n"
    "from tui_app.cli import run\n"
    "assert run(['lectures', '--json']) == 0 == run(['data', '--json'])\n"
    "print(datasets.__file__, models.__file__, sep='\\n')\n"
)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with someone else's `datasets` and `models`."""
    for name in ("datasets", "models"):
        package = tmp_path / "foreign" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text('WHOSE = "theirs"\n')
    return tmp_path / "foreign"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return folder / build_wheel(str(folder))
    finally:
        os.chdir(before)


def path(*folders: Path) -> str:
    return os.pathsep.join(map(str, folders))


def imported(printed: str) -> list[Path]:
    return [Path(line) for line in printed.splitlines()[-2:]]


def test_tutorch_imports_its_own_though_others_come_first_on_the_path(foreign: Path):
    files = imported(python(OURS, PYTHONPATH=path(foreign, ROOT)))
    assert files == [ROOT / "datasets/__init__.py", ROOT / "models/__init__.py"]
    assert python(THEIRS, PYTHONPATH=path(foreign, ROOT)).split() == ["theirs", "theirs"]


def test_others_that_are_already_loaded_are_named(foreign: Path):
    code = (
        "import datasets\n"
        "try:\n    import tui_app\nexcept ImportError as error:\n    print(error)\n"
        "else:\n    raise SystemExit('imported all the same')\n"
    )
    said = python(code, PYTHONPATH=path(foreign, ROOT))
    assert str(foreign / "datasets" / "__init__.py") in said
    assert "'datasets'" in said


def test_a_wheel_adds_one_package_with_everything_in_it(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"tui_app"}
    for name in lecture_names():
        assert f"tui_app/_top/models/{name}.py" in names
    here = [file.relative_to(ROOT) for file in ROOT.glob("*/**/*") if file.is_file()]
    ours = {"datasets": "tui_app/_top/datasets", "models": "tui_app/_top/models"}
    for file in here:
        if file.suffix in (".py", ".md", ".tcss") and file.parts[0] in (*ours, "tui_app"):
            assert str(Path(ours.get(file.parts[0], "tui_app"), *file.parts[1:])) in names


def test_an_unpacked_wheel_works_beside_theirs_and_leaves_theirs_to_others(
    wheel: Path, foreign: Path, tmp_path: Path
):
    site = tmp_path / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for order in ((site, foreign), (foreign, site)):
        for file in imported(python(OURS, PYTHONPATH=path(*order))):
            assert file.is_relative_to(site / "tui_app" / "_top")
        assert python(THEIRS, PYTHONPATH=path(*order)).split() == ["theirs", "theirs"]
