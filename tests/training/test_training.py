"""The parts of training: sampler, schedules, control, evaluation, best models, devices, threads."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from datasets import Data, DataSpec, Split
from models.fields import InvalidValue
from models.lecture import Hyperparameters
from tests.program import LONGEST
from tests.tolerances import FLOAT32, FLOAT64, SUMMED
from tui_app.runs.checkpoint import load_checkpoint, save_checkpoint
from tui_app.runs.errors import DamagedRun, DeviceUnavailable
from tui_app.training import device as devices
from tui_app.training import threads
from tui_app.training.augmentation import mirrored, shifted
from tui_app.training.batches import DeviceSplit, GatheredBatches
from tui_app.training.best_models import BestModels, RankedModel
from tui_app.training.control import Control
from tui_app.training.device import DeviceInfo, choose_device
from tui_app.training.evaluation import EvaluationStopped, evaluate
from tui_app.training.loss_buffer import first_diverged, loss_diverged_text
from tui_app.training.multiply_adds import MultiplyAddCounter
from tui_app.training.sampler import SeededBatchSampler
from tui_app.training.schedule import Schedule, spans_of
from tui_app.training.seeding import restore_rng_state, rng_state, seed_everything
from tui_app.training.state import Training
from tui_app.training.threads import choose_threads
from tui_app.training.watchdog import StepInterrupted

CPU = torch.device("cpu")


def split_of(inputs: torch.Tensor, targets: torch.Tensor) -> DeviceSplit:
    return DeviceSplit(inputs, targets, images(), CPU)


def images(count: int = 50) -> Data:
    rng = np.random.default_rng(0)
    split = Split(
        rng.integers(0, 256, (count, 1, 4, 4), dtype=np.uint8),
        rng.integers(0, 3, count).astype(np.int64),
    )
    spec = DataSpec((1, 4, 4), "multiclass", ("a", "b", "c"))
    return Data(
        spec, split, split, encode=lambda text: split.inputs[0], input_help="", mean=0.2, std=0.3
    )


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_are_those_of_a_dataloader_with_the_same_sampler(shuffle: bool) -> None:
    split = DeviceSplit.of(images().train, images(), CPU)
    sampler = SeededBatchSampler(50, 16, shuffle=shuffle, seed=3)
    loader = DataLoader(TensorDataset(split.inputs, split.targets), batch_sampler=sampler)
    sampler.epoch, sampler.start = 5, 1
    ours = list(GatheredBatches(split, sampler).epoch(5, 1))
    theirs = list(loader)
    assert len(ours) == len(theirs) == 3
    for (x, y), (their_x, their_y) in zip(ours, theirs, strict=True):
        assert torch.equal(x, their_x)
        assert torch.equal(y, their_y)


def test_every_epoch_has_its_own_order_with_each_sample_once() -> None:
    sampler = SeededBatchSampler(100, 7, shuffle=True, seed=0)
    orders = [sampler.order(epoch) for epoch in range(4)]
    assert all(torch.equal(order.sort().values, torch.arange(100)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 4
    other = SeededBatchSampler(100, 7, shuffle=True, seed=1)
    assert not torch.equal(other.order(0), sampler.order(0))


def test_images_are_normalised_as_torchvision_does() -> None:
    data = images()
    split = DeviceSplit.of(data.train, data, CPU)
    expected = (data.train.inputs.astype(np.float32) / 255 - 0.2) / 0.3
    assert split.inputs.dtype == torch.float32
    np.testing.assert_allclose(split.inputs.numpy(), expected, rtol=FLOAT32, atol=FLOAT32)


def test_an_augmented_image_is_shifted_or_mirrored() -> None:
    torch.manual_seed(0)
    image = torch.arange(2 * 6 * 6, dtype=torch.float32).reshape(1, 2, 6, 6)
    padded = torch.nn.functional.pad(image, (4,) * 4, mode="replicate")
    crops = [padded[0, :, y : y + 6, x : x + 6] for y in range(9) for x in range(9)]
    images = shifted(image.expand(64, -1, -1, -1))
    assert images.shape == (64, 2, 6, 6)
    assert all(any(torch.equal(one, crop) for crop in crops) for one in images)
    assert len({tuple(one.flatten().tolist()) for one in images}) > 20
    both = mirrored(image.expand(64, -1, -1, -1))
    flipped = [torch.equal(one, image[0].flip(2)) for one in both]
    assert 10 < sum(flipped) < 54
    assert all(f or torch.equal(one, image[0]) for one, f in zip(both, flipped, strict=True))


def schedule(kind: str, steps: int = 100) -> Schedule:
    hp = Hyperparameters(lr_schedule=kind, lr_step_epochs=2, lr_gamma=0.5)  # pyright: ignore[reportArgumentType]
    return Schedule(hp, steps_per_epoch=10, spans=((0, steps),))


def test_a_schedules_spans_are_read_in_both_recorded_forms() -> None:
    assert spans_of([[0, 10], [10, 30]]) == ((0, 10), (10, 30))
    assert spans_of({"first_step": 0, "last_step": 30}) == ((0, 30),)
    assert spans_of({"first_step": 10, "last_step": 30}) == ((0, 10), (10, 30))
    for nonsense in ([], [[5, 10]], [[0]], 7, {"first_step": 1}):
        with pytest.raises((TypeError, ValueError, KeyError)):
            spans_of(nonsense)


def test_one_cycle_equals_torchs_scheduler() -> None:
    """Except at the ends: torch's schedule is one step shorter."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=1000)
    ours = schedule("one-cycle", 1000)
    for step in range(1000):
        assert ours.factor(step) == pytest.approx(theirs.get_last_lr()[0], abs=0.01)
        optimizer.step()
        theirs.step()


def test_cosine_and_step_schedules_start_at_the_lr_and_fall() -> None:
    cosine = [schedule("cosine").factor(step) for step in range(101)]
    assert (cosine[0], cosine[50], cosine[100]) == pytest.approx((1.0, 0.5, 0.0), abs=FLOAT64)
    assert cosine == sorted(cosine, reverse=True)
    steps = [schedule("step").factor(step) for step in (0, 19, 20, 40, 99)]
    assert steps == [1.0, 1.0, 0.5, 0.25, 0.0625]


def test_a_pause_blocks_until_unpaused_and_counts_single_steps() -> None:
    control = Control()
    control.run_steps(2)
    assert [control.may_step() for _ in range(3)] == [True, True, False]
    control.run_epoch()
    ends = (False, False, True, False)
    assert [control.may_step(ends_epoch=end) for end in ends] == [True, True, True, False]
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        while not control.may_step():
            control.wait(30)

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    control.unpause()
    thread.join(LONGEST)
    assert not thread.is_alive()
    assert not control.attention


def test_the_first_stop_request_counts() -> None:
    control = Control()
    control.stop("first", 130)
    control.stop("second", 143)
    assert control.attention
    assert control.stop_request is not None
    assert (control.stop_request.reason, control.stop_request.exit_code) == ("first", 130)


def test_a_request_has_the_result_or_the_error_and_training_continues() -> None:
    control, training = Control(), cast(Training, SimpleNamespace(step=7))
    step = control.request(lambda training: training.step)
    error = control.request(lambda training: training.step / 0)
    cancelled = control.request(lambda training: pytest.fail("a cancelled request ran"))
    assert control.attention
    cancelled.cancel()
    for request in control.pop_requests():
        request.run(training)
    assert step.result(0) == 7
    with pytest.raises(ZeroDivisionError):
        error.result(0)
    control.cancel_requests()
    assert control.request(lambda training: None).cancelled(), "the run is over"


def test_a_request_that_a_stop_interrupts_fails_and_the_stop_goes_on() -> None:
    control, training = Control(), cast(Training, SimpleNamespace())

    def interrupted(training: Training) -> None:
        raise StepInterrupted

    result = control.request(interrupted)
    (request,) = control.pop_requests()
    with pytest.raises(StepInterrupted):
        request.run(training)
    with pytest.raises(RuntimeError, match="stopped meanwhile"):
        result.result(0)


class Constant(nn.Module):
    """Always predicts class 1, and has dropout that evaluation must switch off."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(x), 3)
        logits[:, 1] = 1.0
        return self.dropout(logits)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_evaluation_in_chunks_equals_the_whole_split_at_once(reduction: str) -> None:
    targets = torch.arange(4500) % 3
    split = split_of(torch.zeros(4500, 1), targets)  # three unequal chunks
    model, criterion = Constant(), nn.CrossEntropyLoss(reduction=reduction)
    values = evaluate(model, criterion, split, "multiclass")
    with torch.no_grad():
        whole = criterion(model.eval()(split.inputs), targets).item()
    assert values["loss"] == pytest.approx(whole, rel=SUMMED)
    assert values["accuracy"] == pytest.approx(1 / 3, rel=FLOAT64)


def test_evaluation_restores_training_mode_and_can_be_stopped() -> None:
    model = Constant().train()
    split = split_of(torch.zeros(10, 1), torch.zeros(10, dtype=torch.int64))
    with pytest.raises(EvaluationStopped):
        evaluate(model, nn.CrossEntropyLoss(), split, "multiclass", lambda: True)
    assert model.training


def test_a_binary_logit_is_judged_at_probability_one_half() -> None:
    split = split_of(
        torch.tensor([[-2.0], [-0.1], [0.1], [3.0]]), torch.tensor([[0.0], [1], [1], [1]])
    )
    values = evaluate(nn.Identity(), nn.BCEWithLogitsLoss(), split, "binary")
    assert values["accuracy"] == 0.75


def test_best_models_are_ranked_and_a_tie_keeps_the_earlier() -> None:
    best = BestModels("accuracy", highest=True, keep=2)
    model = nn.Linear(1, 1)
    places = [
        best.offer(value, epoch, epoch, model) for epoch, value in enumerate([0.5, 0.9, 0.9, 0.7])
    ]
    assert places == [0, 0, 1, None]
    assert [(kept.value, kept.epoch) for kept in best.ranking] == [(0.9, 1), (0.9, 2)]


def test_a_model_that_is_not_finite_is_never_ranked() -> None:
    best = BestModels("loss", highest=False, keep=1)
    model = nn.Linear(1, 1)
    assert best.offer(math.nan, 1, 1, model) is None
    with torch.no_grad():
        model.weight.fill_(math.inf)
    assert best.offer(0.1, 2, 2, model) is None
    assert best.best is None


def test_divergence_is_a_loss_that_is_not_finite_or_a_million_times_the_first() -> None:
    assert first_diverged((1.0, 2.0, 9e5), 1.0) is None
    assert first_diverged((1.0, 2e6, 1.0), 1.0) == 1
    assert first_diverged((1.0, math.nan), 1.0) == 1
    text = loss_diverged_text(math.inf, 0.3, 7, 2, None)
    assert "step 7" in text
    assert "0.3" in text
    assert "no best model" in text
    best = RankedModel(0.5, 1, 4, {})
    assert "of epoch 1, is kept" in loss_diverged_text(math.inf, 0.3, 7, 2, best)


def test_random_numbers_continue_from_a_saved_state(tmp_path: Path) -> None:
    def draw() -> tuple[float, float]:
        return torch.rand(1).item(), float(np.random.rand())

    seed_everything(5)
    draw()
    save_checkpoint(tmp_path / "state.pt", rng_state())
    expected = draw()
    restore_rng_state(load_checkpoint(tmp_path / "state.pt"))
    assert draw() == expected


def test_a_failed_write_leaves_the_old_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(AttributeError):
        save_checkpoint(path, {"step": lambda: None})  # can't be pickled
    assert load_checkpoint(path) == {"step": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


def test_a_truncated_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"weights": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DamagedRun, match=r"last\.pt"):
        load_checkpoint(path)


def test_auto_is_the_gpu_with_the_most_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {0: 10, 1: 20}
    queried: list[str] = []

    def query(name: str) -> DeviceInfo | None:
        queried.append(name)
        there = [*(f"cuda:{index}" for index in free), "cpu"]
        return DeviceInfo(name, name) if name in there else None

    monkeypatch.setattr(devices, "_cuda_count", lambda: len(free))
    monkeypatch.setattr(devices, "free_memory", lambda index: free[index])
    monkeypatch.setattr(devices, "query_device", query)
    assert choose_device("auto").name == "cuda:1"
    assert choose_device("cuda").name == "cuda:1"
    assert choose_device("cuda:0").name == "cuda:0"
    assert choose_device("cpu").name == "cpu"
    assert queried == ["cuda:1", "cuda:1", "cuda:0", "cpu"], "other GPUs are not initialised"
    with pytest.raises(DeviceUnavailable, match="cuda:0, cuda:1, cpu"):
        choose_device("cuda:2")
    free.clear()
    assert choose_device("auto").name == "cpu"
    with pytest.raises(InvalidValue, match="cude:0"):
        choose_device("cude:0")


def test_small_layers_get_one_thread_and_a_given_number_is_kept(monkeypatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    assert choose_threads("auto", 1e3)[0] == 1
    assert choose_threads(3, 1e3)[0] == 3
    assert choose_threads("auto", 1e8)[0] == 3
    assert choose_threads("auto", 1e12)[0] == 8


def test_a_recurrent_layers_operations_are_its_time_steps() -> None:
    class Recurrent(nn.Module):
        def __init__(self, packed: bool, batch_first: bool) -> None:
            super().__init__()
            self.packed = packed
            self.layer = nn.GRU(4, 8, 2, batch_first=batch_first)

        def forward(self, inputs: Tensor) -> Tensor:
            if not self.packed:
                return self.layer(inputs)[0].sum()
            packed = nn.utils.rnn.pack_padded_sequence(inputs, torch.tensor([5, 5]))
            return self.layer(packed)[0].data.sum()

    one_step = 3 * 8 * (4 + 8 + 8 + 8) / 2  # three gates, of inputs and of hidden states
    for packed, batch_first, shape in [
        (False, False, (5, 2, 4)),
        (False, True, (2, 5, 4)),
        (True, False, (5, 2, 4)),
    ]:
        samples = torch.zeros(shape)
        model = Recurrent(packed, batch_first)
        with torch.no_grad(), MultiplyAddCounter() as counter:
            model(samples)
        assert counter.per_operation == 2 * one_step


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_what_the_cpu_trains(tmp_path: Path) -> None:
    from tests.training.test_resume import begin, settings

    losses = []
    for name in ("cpu", "cuda"):
        session, completed = begin(settings(tmp_path / name, device=name))
        assert completed.state == "completed"
        losses.append(completed.best_value)
        assert session.folder.best().exists()
    # Both devices round differently: after some epochs a few samples differ.
    assert losses[0] == pytest.approx(losses[1], abs=0.03)
