"""Fixtures for studies: a lecture, and a study of it with two trials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from models import find_lecture
from models.lecture import Lecture
from models.loading.load import load_lecture
from tests.search.studies import record
from tui_app.search.study import Study, create_or_join


@pytest.fixture(scope="module")
def lecture() -> Lecture:
    return load_lecture(find_lecture("softmax"))


@pytest.fixture
def study(lecture: Lecture) -> Iterator[Study]:
    with closing(create_or_join("s", record(lecture), Path("runs").absolute(), "", 2)) as study:
        yield study
