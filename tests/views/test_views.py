"""Every view of every lecture fits any frame, with and without colour, live and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import find_lecture, lecture_names
from models.loading.load import load_lecture
from tests.program import begin, python, tutorch
from tests.tolerances import FLOAT32, FLOAT64, SUMMED, TRAINED
from tui_app.drawing.pen import Pen
from tui_app.inspection.probe_context import context_of_run, context_of_training
from tui_app.inspection.probe_runner import Snapshot, probing, run_probe
from tui_app.inspection.probes import landscape, load_probe, words
from tui_app.inspection.probes.convolution import probe as convolution
from tui_app.inspection.probes.exercises import probe as exercises
from tui_app.inspection.probes.predictions import Predictions, class_probabilities
from tui_app.monitoring.live_view import LiveView
from tui_app.runs.run_folder import RunFolder
from tui_app.training.layers import layers_of
from tui_app.training.steering.control import Control
from tui_app.views import UnknownView, load_view, view_names
from tui_app.views.view import Frame

pytestmark = pytest.mark.usefixtures("small_data")

#: A short run of each lecture that trains at once, or of one like it.
RUNS = {
    "02": ["02"],
    "02 bias": ["02", "--bias", "--epochs", "200"],
    "03": ["03", "--epochs", "20"],
    "04": ["04", "--epochs", "3"],
    "04 quadratic": ["04", "--form", "quadratic", "--epochs", "3"],
    "05": ["05", "--epochs", "30", "--dataset", "noisy-line"],
    "06": ["06", "--epochs", "50"],
    "07": ["07", "--epochs", "3"],
    "07 moons": ["07", "--dataset", "moons", "--epochs", "20"],
    "08_data": ["08_data", "--epochs", "1"],
    "09_soft": ["softmax", "--epochs", "1", "--widths", "16"],
    "10_basic": ["10_basic", "--epochs", "1"],
    "11_resnet": ["resnet", "--epochs", "1"],
    "12": ["12"],
}

FRAMES = [
    Frame(80, 24),
    Frame(130, 40, Pen(colour=False)),
    Frame(61, 13, Pen(ascii=True)),
    Frame(24, 6, Pen(colour=False, ascii=True)),
]


def found_in(folder: Path, name: str, ask: str = ""):
    return run_probe(context_of_run(RunFolder(folder), "cpu"), load_probe(name), ask).found


@pytest.mark.parametrize("key", RUNS)
def test_every_view_of_a_lecture_fits_its_frame(key: str, trained: Callable[..., Path]):
    folder = trained(*RUNS[key])
    context = context_of_run(RunFolder(folder), "cpu")
    names = context.settings.lecture.views
    assert names
    for name in {*names, "data"}:
        view = load_view(name)
        found = run_probe(context, view.load_probe()).found
        for frame in FRAMES:
            places = view.place_count(found, frame)
            for at in {0, places // 2, max(0, places - 1)}:
                lines = view.lines(found, Frame(frame.columns, frame.rows, frame.pen, at))
                assert 0 < len(lines) <= frame.rows, name
                assert all(line.cell_len <= frame.columns for line in lines), name
                text = "\n".join(line.plain for line in lines)
                assert text.strip(), name
                if not frame.pen.colour:
                    styles = {str(span.style) for line in lines for span in line.spans}
                    assert not any("#" in style for style in styles), (name, styles)


@pytest.mark.parametrize("key", ["02 bias", "04", "05", "06", "07 moons", "10_basic", "12"])
def test_ascii_is_ascii(key: str, trained: Callable[..., Path]):
    folder = trained(*RUNS[key])
    context = context_of_run(RunFolder(folder), "cpu")
    for name in context.settings.lecture.views:
        view = load_view(name)
        lines = view.lines(
            run_probe(context, view.load_probe()).found,
            Frame(80, 24, Pen(colour=False, ascii=True)),
        )
        odd = {sign for line in lines for sign in line.plain if not sign.isascii()}
        assert not odd, (name, odd)


def test_every_lecture_names_existing_views():
    for name in lecture_names():
        lecture = load_lecture(find_lecture(name))
        assert lecture.views, name
        assert set(lecture.views) <= set(view_names())
    for name in view_names():
        assert load_view(name).title
    with pytest.raises(UnknownView, match="confusion"):
        load_view("nonsense")


def test_views_load_neither_torch_nor_a_terminal():
    printed = python(
        "import sys\n"
        "from tui_app.views import load_view, view_names\n"
        "for name in view_names(): load_view(name)\n"
        "print(*sys.modules)\n"
    )
    assert not {"torch", "textual", "plotext", "sklearn"} & set(printed.split())


# What they show


def test_the_largest_stable_lr_is_that_of_the_lesson(trained: Callable[..., Path]):
    found = found_in(trained(*RUNS["03"]), "landscape")
    assert found.max_stable_lr == pytest.approx(3 / 14, rel=TRAINED)
    assert found.lowest[0] == pytest.approx(2, rel=FLOAT32)


def as_in_events(losses: list[float]) -> list[float]:
    """The losses as events have them: rounded to the shortest decimal that is the same float32."""
    return np.array(losses, np.float32).tolist()


def test_the_path_has_the_losses_of_the_run(tmp_path: Path):
    run = begin("05", tmp_path, epochs=40, dataset="noisy-line", batch_size=20, shuffle=True)
    context = context_of_training(run.session.training)
    found = run_probe(context, load_probe("landscape")).found
    assert found.descents[0].losses.astype(np.float32).tolist() == as_in_events(run.losses)
    weights = [float(weight.detach()) for weight in run.session.training.model.parameters()]
    assert found.descents[0].weights[-1].tolist() == pytest.approx(weights, rel=FLOAT32)


def test_the_path_follows_a_changed_lr(tmp_path: Path):
    from tui_app.runs.settings.run_settings import resolve_settings
    from tui_app.training.start import start_run

    control = Control()
    settings = resolve_settings(
        load_lecture(find_lecture("03")), {"epochs": 30, "runs_dir": str(tmp_path), "device": "cpu"}
    )
    session = start_run(settings, control, lambda progress: None)
    control.run_steps(10)
    losses: list[float] = []

    def listen(event) -> None:
        losses.extend(getattr(event, "losses", ()))
        if event.kind == "state" and event.state == "paused":
            control.set_lr(0.1)
            control.unpause()

    session.train(control, [listen])
    found = found_in(session.folder.path, "landscape")
    assert found.descents[0].losses.astype(np.float32).tolist() == as_in_events(losses)
    assert found.lr == 0.1


def test_the_exercises_have_the_answers_of_the_course():
    first, second = exercises(None, "-8")
    assert dict(first.answers) == {"w": -8}
    assert dict(second.answers) == {"w": 2, "b": 2}
    assert first.is_right == (True,)
    assert exercises(None, "2 3")[1].is_right == (True, False)
    text = "\n".join(
        line.plain for line in load_view("exercises").lines((first, second), FRAMES[0])
    )
    assert "right" in text


def test_gradients_of_the_graph_are_local_times_upstream(trained: Callable[..., Path]):
    graph = found_in(trained(*RUNS["04 quadratic"]), "graph")
    for place, node in enumerate(graph.nodes[:-1]):
        if node.gradient is not None:
            parts = [
                local * other.gradient
                for other in graph.nodes
                for number, local in zip(other.inputs, other.local_derivatives, strict=True)
                if number == place
            ]
            assert sum(parts) == pytest.approx(node.gradient, rel=SUMMED)


def test_the_convolution_of_the_slides():
    plain, padded, strided, pooled = (example.output for example in convolution(None, ""))
    assert plain.tolist() == [[211, 295, 262], [259, 282, 214], [251, 253, 169]]
    assert padded[0].tolist() == [91, 168, 224, 215, 127]
    assert strided.tolist() == [[211, 262], [251, 169]]
    assert pooled.tolist() == [[4, 8], [9, 8]]


def test_the_confusion_adds_up_to_the_accuracy(trained: Callable[..., Path]):
    folder = trained(*RUNS["09_soft"])
    found = found_in(folder, "predictions")
    accuracy = np.trace(found.confusion) / found.confusion.sum()
    measured = tutorch("evaluate", folder, "--json").json["test_accuracy"]
    assert accuracy == pytest.approx(measured, rel=FLOAT64)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=FLOAT32)


def test_layers_count_as_the_course_does(trained: Callable[..., Path]):
    found = found_in(trained(*RUNS["10_basic"]), "layers")
    assert found.parameters == 8490
    assert [layer.after for layer in found.layers if layer.parameters] == [
        (10, 24, 24),
        (20, 8, 8),
        (10,),
    ]
    assert found.layers[0].multiply_adds == 24 * 24 * 25 * 10


def test_the_first_layer_that_does_not_fit_is_named():
    model = nn.Sequential(nn.Conv2d(1, 4, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(320, 10))
    found = layers_of(model, torch.zeros(2, 1, 28, 28))
    assert found.layers[-1].after == ()
    assert "320 features, but gets 4·12·12 = 576" in found.problem
    channels = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Conv2d(8, 4, 5))
    assert "expects 8 channels, but gets 4" in layers_of(channels, torch.zeros(1, 1, 9, 9)).problem
    small = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Conv2d(4, 4, 5))
    assert not layers_of(small, torch.zeros(1, 1, 9, 9)).problem
    assert "= 0 pixels" in layers_of(small, torch.zeros(1, 1, 8, 8)).problem
    lines = load_view("layers").lines(found, FRAMES[0])
    assert any("doesn't fit" in line.plain for line in lines)


def test_the_last_word_is_that_of_the_run(trained: Callable[..., Path]):
    found = found_in(trained("12", "--network", "Embedding"), "words")
    assert (found.input, found.target, len(found.predicted)) == ("hello", "ohlol", 16)
    assert found.predicted[-1] == "ohlol"


def test_a_typed_input_is_predicted_or_refused_with_a_reason(trained: Callable[..., Path]):
    folder = trained(*RUNS["06"])
    assert found_in(folder, "answer", "9").probabilities.sum() == pytest.approx(1, rel=FLOAT32)
    assert found_in(folder, "answer", "nine").problem


# Live


def test_snapshots_do_not_change_the_run(tmp_path: Path):
    plain = begin("softmax", tmp_path, epochs=1, widths=(8,))
    control_of: dict[str, Control] = {}
    answers = []

    def ask(event) -> None:
        if event.kind in ("steps", "epoch", "started") and control_of:
            names = ("predictions", "gradients", "layers", "activations")
            answers.extend(control_of["it"].request(probing(load_probe(name))) for name in names)

    from tests import program

    class Remembered(Control):
        def __init__(self) -> None:
            super().__init__()
            control_of["it"] = self

    original, program.Control = program.Control, Remembered
    try:
        observed = begin("softmax", tmp_path, ask, epochs=1, widths=(8,))
    finally:
        program.Control = original
    assert observed.losses == plain.losses
    done = [answer for answer in answers if not answer.cancelled()]
    assert done
    assert all(isinstance(answer.result(0), Snapshot) for answer in done)
    assert control_of["it"].request(probing(load_probe("layers"))).cancelled()


def test_a_live_view_shows_the_error_of_its_probe(tmp_path: Path):
    control = Control()
    live = LiveView(load_view("layers"), control)
    assert not live.poll()
    (request,) = control.pop_requests()
    request.result.set_exception(ValueError("no such thing"))
    assert live.poll()
    assert "no such thing" in live.problem
    control.cancel_requests()
    live.set_query("again")
    live.poll()
    assert live.is_over


# The command


def test_show_draws_a_view_and_saves_its_picture(trained: Callable[..., Path], tmp_path: Path):
    folder = trained(*RUNS["06"])
    assert "Probability curve" in tutorch("show", folder, "--views").out
    shown = tutorch("show", folder, "--view", "probability-curve", "--size", "80x24")
    assert shown.exit_code == 0
    assert "P = 0.5 at x" in shown.out
    picture = tmp_path / "picture.svg"
    assert tutorch("show", folder, "--view", "probability_curve", "--svg", picture).exit_code == 0
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert tutorch("show", folder, "--view", "nonsense").exit_code == 2
    assert tutorch("show", folder, "--view", "probability_curve", "--at", "7").exit_code == 2
    assert tutorch("show", folder, "--view", "probability_curve", "--size", "big").exit_code == 2


def test_losses_of_samples_are_those_of_torch_for_extreme_logits():
    logits = torch.tensor([[300.0, 0.0, -5.0], [0.1, 0.2, 0.3]])
    targets = torch.tensor([2, 1])
    found = predictions_of(logits.numpy(), targets.numpy())
    theirs = nn.functional.cross_entropy(logits.double(), targets, reduction="none")
    np.testing.assert_allclose(found.losses, theirs.numpy(), rtol=FLOAT64)
    one = torch.tensor([[120.0], [-3.0]])
    found = predictions_of(one.numpy(), np.array([0, 1]))
    theirs = nn.functional.binary_cross_entropy_with_logits(
        one.double(), torch.tensor([[0.0], [1.0]]).double(), reduction="none"
    )
    np.testing.assert_allclose(found.losses, theirs.reshape(-1).numpy(), rtol=FLOAT64)


def predictions_of(logits: np.ndarray, targets: np.ndarray) -> Predictions:
    count = len(targets)
    return Predictions(
        classes=("a", "b", "c"),
        vocabulary=(),
        measured="test",
        size=count,
        rows=np.arange(count),
        inputs=np.zeros((count, 1)),
        logits=logits,
        probabilities=class_probabilities(torch.from_numpy(logits)).numpy(),
        targets=targets,
    )


def test_the_four_steps_show_the_loop_of_the_lecture(trained: Callable[..., Path]):
    search = drawn_lines("four_steps", found_in(trained(*RUNS["02"]), "four_steps"))
    assert "class ExhaustiveSearch(Optimizer):" in search
    assert "loss.backward()" not in search
    by_hand = drawn_lines("four_steps", found_in(trained(*RUNS["03"]), "four_steps"))
    assert "backward(model, inputs, targets)" in by_hand
    assert "return (2 * x * (x * w - y)).mean()" in by_hand


def drawn_lines(name: str, found: object) -> str:
    lines = load_view(name).lines(found, Frame(100, 200, Pen(colour=False)))
    return "\n".join(line.plain for line in lines)


def test_a_path_that_is_too_long_ends_at_the_model(
    trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(landscape, "_STEPS", 10)
    found = found_in(trained(*RUNS["03"]), "landscape")
    own = found.descents[0]
    assert (len(own.losses), own.steps) == (10, 20)
    assert abs(own.end[0] - 2) < abs(own.weights[-1, 0] - 2)
    assert "the first 10 of 20 steps" in drawn_lines("cost_curve", found)
    monkeypatch.setattr(words, "_STEPS", 5)
    said = found_in(trained(*RUNS["12"]), "words")
    assert said.epochs == (0, 1, 2, 3, 4, 5, 15)
    assert len(said.predicted) == len(said.losses) == 7


def test_other_descents_are_drawn_on_the_cost_curve(trained: Callable[..., Path]):
    text = drawn_lines("cost_curve", found_in(trained(*RUNS["03"]), "landscape"))
    assert "whole train set 20 steps" in text
    assert "one sample 60 steps" in text
    picture = text.splitlines()[:190]
    for sign in "x+":  # as drawn without colour
        assert sum(sign in line for line in picture) > 3


@pytest.mark.parametrize("lr", ["0.3", "0.5", "5"])
def test_the_lowest_cost_is_found_after_a_diverged_run_too(lr: str):
    found = found_in(tutorch("--no-tui", "03", "--lr", lr).run, "landscape")
    assert found.lowest[0] == pytest.approx(2, rel=SUMMED)
    assert "NOT below" in drawn_lines("cost_curve", found)


@pytest.mark.parametrize(
    ("argv", "limit"),
    [
        (
            ("--batch-size", "1"),
            "full-batch limit 2 / curvature = 2 / {curvature:.4g} = {limit:.4g}",
        ),
        (("--momentum", "0.5"), "curvature {curvature:.4g} at the lowest point"),
        (("--weight-decay", "0.1"), "curvature {curvature:.4g} at the lowest point"),
    ],
)
def test_an_lr_is_compared_with_its_limit_only_for_plain_full_batch_descent(
    argv: tuple[str, ...], limit: str, trained: Callable[..., Path]
):
    found = found_in(trained("05", "--epochs", "5", "--lr", "0.001", *argv), "landscape")
    narrow = load_view("cost_surface").lines(found, Frame(76, 20))  # as on a screen of 80x24
    assert narrow[-1].plain.endswith(
        limit.format(curvature=found.curvature, limit=found.max_stable_lr)
    )
    text = drawn_lines("cost_surface", found)
    assert " is below " not in text
