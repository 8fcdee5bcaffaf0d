"""The views that are offered suit the model, its data and its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.program import tutorch
from tui_app.inspection.probe_context import ProbeContext, context_of_settings
from tui_app.inspection.probe_runner import run_probe
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.views import load_view
from tui_app.views.offered import TRAITS, offered

pytestmark = pytest.mark.usefixtures("small_data")

OWN = '''
"""A net."""
from torch import nn
from models.lecture import Hyperparameters, Lecture

def build(spec, hyperparameters):
    return {model}

LECTURE = Lecture(
    title="My net", title_zh="我的网络", datasets=("{dataset}",), model=build,
    criterion=nn.{criterion}, hyperparameters=Hyperparameters(epochs=1),
)
'''

CLASSES = {"confusion", "by_class", "mistakes", "samples", "changes", "answer"}
ALWAYS = {"data", "layers", "gradients", "four_steps"}

#: Nets without a list of views: their data, criterion, model, and what is offered of them.
NETS = {
    "perceptron": (
        "digits",
        "CrossEntropyLoss",
        "nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.Tanh(), nn.Linear(16, 10))",
        {*ALWAYS, *CLASSES, "softmax", "drawing", "activations"},
    ),
    "convolution": (
        "digits",
        "CrossEntropyLoss",
        "nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 10))",
        {*ALWAYS, *CLASSES, "softmax", "drawing", "activations", "kernels", "feature_maps"},
    ),
    "points": (
        "moons",
        "BCEWithLogitsLoss",
        "nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))",
        {*ALWAYS, *CLASSES, "activations", "boundary"},
    ),
    "line": (
        "study-hours",
        "MSELoss",
        "nn.Linear(1, 1)",
        {*ALWAYS, "cost_surface", "cost_surface_3d", "fitted_line", "by_hand"},
    ),
}


def traits_of(context: ProbeContext) -> Any:
    return run_probe(context, TRAITS.load_probe()).found


def context_of(lecture: str, **given: Any) -> ProbeContext:
    return context_of_settings(resolve_settings(load_lecture(find_lecture(lecture)), given))


@pytest.mark.parametrize("name", NETS)
def test_a_net_that_names_no_views_is_offered_all_that_suit_it(name: str, tmp_path: Path):
    dataset, criterion, model, views = NETS[name]
    path = tmp_path / "my_net.py"
    path.write_text(OWN.format(model=model, dataset=dataset, criterion=criterion))
    allow_named_file(path)
    context = context_of(str(path))
    names = offered(traits_of(context))
    assert set(names) == views
    assert names[0] == "data"
    for each in names:
        view = load_view(each)
        assert view.can_draw(run_probe(context, view.load_probe()).found), each


@pytest.mark.parametrize("lecture", ["02", "06", "softmax", "10_basic", "12"])
def test_every_offered_view_can_be_drawn(lecture: str):
    context = context_of(lecture)
    for name in offered(replace(traits_of(context), views=())):
        view = load_view(name)
        assert view.can_draw(run_probe(context, view.load_probe()).found), name


def test_a_lecture_offers_its_views_that_suit_its_settings():
    linear = offered(traits_of(context_of("04")))
    assert "cost_curve" in linear
    assert not {"cost_surface", "cost_surface_3d"} & set(linear)
    quadratic = offered(traits_of(context_of("04", form="quadratic")))
    assert "cost_curve" not in quadratic
    assert {"cost_surface", "cost_surface_3d"} <= set(quadratic)
    lecture = load_lecture(find_lecture("04"))
    assert ("data", *(name for name in lecture.views if name in linear)) == linear
    assert "boundary" not in offered(traits_of(context_of("07")))
    assert "boundary" in offered(traits_of(context_of("07", dataset="moons")))


def test_show_offers_the_same_views(trained: Callable[..., Path]):
    folder = trained("04", "--epochs", "3")
    listed = tutorch("show", folder, "--views")
    assert "cost_curve" in listed.out
    assert "cost_surface" not in listed.out
    refused = tutorch("show", folder, "--view", "cost_surface")
    assert refused.exit_code == 2
    assert "two or three weights" in refused.err
    assert "cost_curve" in refused.err
