"""Fixtures for every test: a folder of its own, no settings from outside, no network."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from textual.pilot import Pilot

from datasets import Data, read_dataset
from tests.others_runs import next_program
from tests.program import LONGEST, few_samples, train
from tui_app.training import prepare
from tui_app.training.devices.machine_load import usable_cores

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "tutorch", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tutorch")

# A Pilot gives a screen 30 s for its messages, which on a busy machine is too little.
Pilot._wait_for_screen.__defaults__ = (LONGEST,)

# Several threads spin while they wait for each other, which slows down tests that run beside.
torch.set_num_threads(1)

_HERE = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"}


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests of the app wait as long as they compute."""
    return usable_cores() + 1


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in os.environ:
        if name.startswith("TUTORCH_") or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # no run measures how many threads are fastest
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TUTORCH_STATE_DIR", str(tmp_path / "state"))
    next_program(monkeypatch)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.chdir(tmp_path)
    look_up = socket.getaddrinfo

    def look_up_here(host, *args, **kwargs):
        if host in _HERE:
            return look_up(host, *args, **kwargs)
        raise socket.gaierror(socket.EAI_NONAME, "tests use no network")

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    yield
    for thread in threading.enumerate():  # the app that was left doesn't wait for it
        if thread.name in ("lecture", "looking", "reading"):
            thread.join(LONGEST)
    # The app freezes what it has imported, and hypothesis asks the collector who refers to its
    # random numbers: of frozen objects it isn't told, and warns.
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _first_card(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo that a run makes its card the current one."""
    yield
    if request.node.get_closest_marker("gpu") and torch.cuda.is_available():
        torch.cuda.set_device(0)


@pytest.fixture(scope="session")
def _trained_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One finished run per lecture that a test asked for."""
    return {"": tmp_path_factory.mktemp("trained")}


@functools.cache
def _few_samples_of(name: str, **chosen: Any) -> Data:
    return few_samples(read_dataset(name, **chosen), train=60, test=30)


@pytest.fixture
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs learn from the first 60 samples of their data, and are measured on 30."""

    def read(name: str, *_: object, **chosen: Any) -> Data:
        return _few_samples_of(name, **chosen)

    monkeypatch.setattr(prepare, "read_dataset", read)


@pytest.fixture
def trained(
    _trained_once: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[..., Path]:
    """A copy, in `runs`, of a finished run with these arguments, trained once a session."""
    data = "few samples: " if "small_data" in request.fixturenames else ""

    def copy_of(*argv: str) -> Path:
        key = data + " ".join(argv)
        if key not in _trained_once:
            _trained_once[key] = train(*argv, "--runs-dir", _trained_once[""])
        original = _trained_once[key]
        copy = tmp_path / "runs" / original.parent.name / original.name
        shutil.copytree(original, copy)
        return copy

    return copy_of
