"""The layer table: before training, and of models that don't fit the data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from datasets import get_dataset, read_dataset
from models import find_lecture, lecture_names
from models.loading.load import load_lecture
from tests.program import few_samples, names, tutorch
from tui_app.drawing.pen import Pen
from tui_app.inspection.probes import layers
from tui_app.inspection.probes.layers import layers_of_settings
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.training.build_model import build_model
from tui_app.training.layers import Layers, layers_of
from tui_app.views import load_view
from tui_app.views.view import Frame


def settings_of(lecture: str, **given: object) -> RunSettings:
    return resolve_settings(load_lecture(find_lecture(lecture)), given)


def drawn(found: Layers) -> str:
    lines = load_view("layers").lines(found, Frame(80, 24, Pen(colour=False)))
    return "\n".join(line.plain for line in lines)


@pytest.mark.parametrize("name", lecture_names())
def test_the_table_before_training_equals_the_trained_models(name: str):
    settings = settings_of(name)
    if get_dataset(settings.dataset).files and "name_classifier" not in name:
        pytest.skip("its data are to be fetched")
    whole = names() if "name_classifier" in name else read_dataset(settings.dataset)
    data = few_samples(whole, 3, 2)
    before = torch.get_rng_state()
    found = layers_of_settings(settings, data)
    assert torch.equal(torch.get_rng_state(), before)
    model, _ = build_model(settings.lecture, data, settings, torch.device("cpu"))
    assert not found.problem
    assert found.parameters == sum(weight.numel() for weight in model.parameters())


def test_nothing_is_computed_where_shapes_are_enough(monkeypatch: pytest.MonkeyPatch):
    devices: list[str] = []

    def layers_of_any(model: nn.Module, inputs: Tensor) -> Layers:
        devices.append(inputs.device.type)
        return layers_of(model, inputs)

    monkeypatch.setattr(layers, "layers_of", layers_of_any)
    layers_of_settings(settings_of("googlenet"), few_samples(read_dataset("digits"), 3, 2))
    assert devices == ["meta"]


def test_settings_that_cannot_be_built_are_a_sentence():
    settings = settings_of("10_basic", kernel_size=15)
    found = layers_of_settings(settings, few_samples(read_dataset("digits"), 3, 2))
    assert found.layers == ()
    assert "it can't be built with these" in drawn(found)


class Flattened(nn.Module):
    """Has a wrong number of features written into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).view(-1, 300).reshape(len(x), -1)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (
            nn.Sequential(nn.Conv2d(1, 4, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(320, 10)),
            "expects 320 features, but gets 4·4·4 = 64",
        ),
        (nn.Sequential(nn.Linear(28, 3)), "expects 28 features, but gets 12"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(8)), "expects 8 channels, but gets 4"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "expects 3 channels, but gets 1"),
        (nn.Sequential(nn.Conv2d(1, 4, 13)), "12 + 2·0 - 13 + 1 = 0 pixels"),
        (
            nn.Sequential(nn.Flatten(), nn.RNN(9, 4, batch_first=True)),
            "expects 9 numbers",
        ),
        (Flattened(), "fails after Conv2d 1→4, 5×5, whose output is 4·8·8 = 256"),
    ],
)
def test_a_layer_that_does_not_fit_is_explained_with_its_arithmetic(model: nn.Module, says: str):
    found = layers_of(model, torch.zeros(2, 1, 12, 12))
    assert says in found.failure_text
    text = drawn(found)
    assert " ".join(text.split()[-4:]) in " ".join(found.failure_text.split())
    assert ("✗ fails" in text) == (found.layers[-1].after == ())


def test_headless_a_net_that_does_not_fit_shows_its_layers(tmp_path: Path):
    path = tmp_path / "my_net.py"
    path.write_text(
        '"""A net."""\n'
        "from torch import nn\n"
        "from models.lecture import Hyperparameters, Lecture\n"
        "def net(spec, hyperparameters):\n"
        "    return nn.Sequential(nn.Conv2d(1, 4, 5), nn.MaxPool2d(2), nn.Flatten(),\n"
        "                         nn.Linear(320, 10))\n"
        'LECTURE = Lecture(title="A", title_zh="A", datasets=("digits",), model=net,\n'
        "                  criterion=nn.CrossEntropyLoss, hyperparameters=Hyperparameters())\n",
        encoding="utf-8",
    )
    ended = tutorch("--no-tui", path)
    assert ended.exit_code == 1
    assert "Conv2d 1->4, 5x5: 1x28x28 -> 4x24x24" in ended.err
    assert "Linear 320->10: 576 -> fails" in ended.err
    assert "expects 320 features, but gets 4*12*12 = 576" in ended.err


def test_a_recurrent_layer_counts_every_symbol_packed_or_not():
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.GRU(4, 8, batch_first=True)

        def forward(self, inputs: Tensor) -> Tensor:
            lengths = torch.tensor([5, 2])
            packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True)
            return self.layer(packed)[1]

    (layer,) = layers_of(Packed(), torch.zeros(2, 5, 4)).layers
    assert (layer.before, layer.after) == ((5, 4), (5, 8))
    assert layer.multiply_adds == 5 * 3 * 8 * (4 + 8)

    (cell,) = layers_of(nn.Sequential(nn.RNNCell(4, 6)), torch.zeros(2, 4)).layers
    assert cell.kind == "RNNCell 4→6"
    assert cell.multiply_adds == 6 * (4 + 6)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Conv1d(3, 5, 4), (3, 10), 7 * 5 * 3 * 4),
        (nn.ConvTranspose2d(3, 5, 2, stride=2), (3, 4, 4), 4 * 4 * 3 * 5 * 2 * 2),
        (nn.RNN(4, 8), (1, 4), 8 * (4 + 8)),  # its first dimension is time
    ],
)
def test_layers_of_any_dimension_have_their_multiply_adds(
    layer: nn.Module, shape: tuple[int, ...], expected: int
):
    (found,) = layers_of(nn.Sequential(layer), torch.zeros(2, *shape)).layers
    assert found.multiply_adds == expected
