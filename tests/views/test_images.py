"""Views of image networks: 1x1 convolutions, gradients, layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from models import find_lecture
from models.loading.load import load_lecture
from tests.views.test_views import found_in
from tui_app.drawing.pen import Pen
from tui_app.inspection.probes.layers import layers_of_settings
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.layers import Layers, layers_of
from tui_app.views import load_view
from tui_app.views.one_by_one import EXAMPLE, savings
from tui_app.views.view import Frame

pytestmark = pytest.mark.usefixtures("small_data")


def test_the_saving_in_the_lectures_example():
    assert EXAMPLE.direct == 120_422_400
    assert EXAMPLE.both == 12_443_648  # 12 433 648 on the slide


def test_savings_agree_with_the_layers_multiply_adds():
    image = torch.zeros(1, 12, 9, 9)
    direct = layers_of(nn.Sequential(nn.Conv2d(12, 8, 3, padding=1)), image)
    narrowed = nn.Sequential(
        nn.Conv2d(12, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 8, 3)
    )
    found = layers_of(narrowed, image)
    (saving,) = savings(found.layers)
    assert (saving.wide, saving.narrow, saving.out, saving.side) == (12, 4, 8, 3)
    assert saving.direct == direct.layers[0].multiply_adds
    assert saving.both == found.layers[0].multiply_adds + found.layers[2].multiply_adds


def test_a_pooled_image_ends_the_pair():
    model = nn.Sequential(nn.Conv2d(6, 2, 1), nn.MaxPool2d(2), nn.Conv2d(2, 4, 3))
    assert savings(layers_of(model, torch.zeros(1, 6, 12, 12)).layers) == []


def test_googlenet_names_the_convolutions_that_save_nothing(trained: Callable[..., Path]):
    found = found_in(trained("googlenet", "--epochs", "1"), "layers")
    assert [saving.side for saving in savings(found.layers)] == [5, 3, 5, 3]
    text = "\n".join(
        line.plain for line in load_view("one_by_one").lines(found, Frame(80, 24, Pen(False)))
    )
    assert "12 443 648" in text
    assert "costs it" in text
    assert "10→16→24, 5×5" in text


@pytest.mark.parametrize(("shortcut", "count"), [("identity", 4), ("none", 0), ("conv 1x1", 4)])
def test_the_table_of_layers_lists_the_shortcuts(shortcut: str, count: int):
    settings = resolve_settings(
        load_lecture(find_lecture("resnet")), {"shortcut": shortcut, "blocks": 2}
    )
    found = layers_of_settings(settings)
    added = [layer for layer in found.layers if layer.kind == "+ x"]
    assert len(added) == count
    assert all(layer.before == layer.after and not layer.multiply_adds for layer in added)
    text = drawn_layers(found)
    assert text.count("+ x ") == count


def drawn_layers(found: Layers) -> str:
    lines = load_view("layers").lines(found, Frame(80, 40, Pen(colour=False)))
    return "\n".join(line.plain for line in lines)


def test_a_plain_net_is_compared_with_a_residual_one(trained: Callable[..., Path]):
    folder = trained("resnet", "--epochs", "1", "--blocks", "3")
    now, plain, residual = found_in(folder, "gradients").series
    assert len(now.norms) == len(plain.norms) == len(residual.norms) == 15
    # Before training, next to nothing reaches the first layer of 15 without shortcuts.
    reach = [series.norms[0] / series.norms[-1] for series in (plain, residual)]
    assert reach[0] < 1e-3
    assert reach[1] > 1e-2
    lines = load_view("gradients").lines(found_in(folder, "gradients"), Frame(80, 24))
    assert "before any training" in lines[-1].plain


def test_samples_and_convolutions_are_counted_from_one(trained: Callable[..., Path]):
    folder = trained("10_basic", "--epochs", "1")
    maps = load_view("feature_maps").lines(found_in(folder, "images", "1"), Frame(80, 24))
    assert maps[0].plain.startswith("sample 1, a ")
    kernels = load_view("kernels").lines(found_in(folder, "images"), Frame(80, 24))
    assert kernels[0].plain == "Conv2d 1→10, 5×5"
