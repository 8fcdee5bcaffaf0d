"""`tutorch doctor` exits with 1 if it reports a problem, and only then."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from tests.program import tutorch
from tui_app.commands import doctor
from tui_app.training.devices import device, nvidia


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Simulate a machine without problems."""
    monkeypatch.setattr(device, "gpu_without_cuda", lambda: False)
    monkeypatch.setattr(doctor, "_torchvision_problem", list)
    return monkeypatch


def lacks_textual(name: str, version=importlib.metadata.version) -> str:
    if name == "textual":
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)


def test_without_a_problem_it_is_0(healthy: pytest.MonkeyPatch):
    text, document = tutorch("doctor"), tutorch("doctor", "--json")
    assert (text.exit_code, text.err, document.exit_code) == (0, "", 0)
    assert document.json["problems"] == []


def test_a_gpu_that_torch_cannot_use_is_1(healthy: pytest.MonkeyPatch):
    healthy.setattr(device, "gpu_without_cuda", lambda: True)
    healthy.setattr(nvidia, "gpu_names", lambda: ["H100"])
    text, document = tutorch("doctor"), tutorch("doctor", "--json")
    assert (text.exit_code, document.exit_code) == (1, 1)
    (problem,) = document.json["problems"]
    assert "H100" in problem
    assert problem in " ".join(text.err.split())


def test_an_error_in_the_settings_is_1_and_the_rest_is_printed_too(healthy: pytest.MonkeyPatch):
    Path("tutorch.toml").write_text("lrr = 1", encoding="utf-8")
    ended = tutorch("doctor", "--json")
    assert ended.exit_code == 1
    assert "tutorch.toml, line 1" in ended.json["problems"][0]
    assert ended.json["versions"]["torch"]


def test_a_package_that_is_missing_is_1(healthy: pytest.MonkeyPatch):
    healthy.setattr(importlib.metadata, "version", lacks_textual)
    ended = tutorch("doctor")
    assert (ended.exit_code, "`pip install textual`" in ended.err) == (1, True)
