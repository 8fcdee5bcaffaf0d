"""What the rules need to know, from a run's folder and a look at its model."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from datasets.reading.progress import LoadingStopped
from tui_app.inspection.diagnosis.changed_setting import lecture_defaults
from tui_app.inspection.diagnosis.observations import Course, Look
from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows
from tui_app.runs.metrics_file import read_lines
from tui_app.runs.packed_epochs import MOST_STEPS, MOST_VALUES, EpochBlock, numbers
from tui_app.runs.run_folder import RunFolder

#: Samples whose outputs are compared, and how near to each other the same ones are.
_SAMPLES, _SAME = 64, 1e-6


class Recorded:
    """What a run has told so far of its losses, its epochs and its illnesses. `lr` is the one that
    was set by hand, without what a schedule makes of it.
    """

    def __init__(self) -> None:
        self.lr: float | None = None
        self.losses: array[float] = array("d")
        self.epochs: dict[str, array[float]] = {}
        self.advised: set[str] = set()

    @classmethod
    def of(
        cls,
        folder: RunFolder,
        stopped: Callable[[], bool] = bool,
        on_skipped: Callable[[str], object] = str,
    ) -> Recorded:
        """What stands in the folder, as far as it was read when it was `stopped`. `on_skipped` is
        given a sentence about lines that were too long.
        """
        recorded = cls()
        with suppress(LoadingStopped):
            for line in read_lines(folder.metrics, stopped=stopped, on_skipped=on_skipped):
                recorded._take(line)
        return recorded

    def _take(self, line: dict[str, Any]) -> None:
        match line["kind"]:
            case "steps":
                self._take_losses(line["losses"])
            case "control":
                self.lr = float(line["lr"])
            case "epoch":
                self.take_values({name: line[name] for name in line if _is_measured(name)})
            case "epochs":
                block = EpochBlock.from_line(line)
                if block is not None:
                    self._take_block(block)
            case "advice" if len(self.advised) < MOST_VALUES:
                self.advised.add(str(line.get("name")))

    def _take_losses(self, losses: Sequence[float | None]) -> None:
        if len(self.losses) < MOST_STEPS:
            self.losses.extend(numbers(losses))

    def _take_block(self, block: EpochBlock) -> None:
        self._take_losses(block.losses)
        for name, column in block.values.items():
            if _is_measured(name):
                self._take_column(name, column)

    def take_values(self, values: Mapping[str, float | None]) -> None:
        """Take in those of an epoch."""
        for name, value in values.items():
            self._take_column(name, [value])

    def _take_column(self, name: str, column: Sequence[float | None]) -> None:
        if name in self.epochs or len(self.epochs) < MOST_VALUES:
            self.epochs.setdefault(name, array("d")).extend(numbers(column))

    def course(self, record: Mapping[str, Any], lr: float, epochs: int) -> Course:
        """All that, with what run.json says of the run."""
        return Course(
            lr=lr,
            losses=self.losses,
            epochs=self.epochs,
            base_rates=record.get("base_rates", {}),
            hyperparameters=record["hyperparameters"],
            reduction=str(record.get("reduction", "mean")),
            train_size=int(record.get("train_size", 0)),
            epochs_planned=epochs,
        )


def _is_measured(name: str) -> bool:
    return name.endswith(("_loss", "_accuracy"))


def observations_of_run(folder: RunFolder) -> Course:
    """The course of a run as it is recorded so far. Raises DamagedRun."""
    record, recorded = folder.read_record(), Recorded.of(folder)
    settings = record["hyperparameters"]
    lr = float(settings.get("lr", 0.0)) if recorded.lr is None else recorded.lr
    return recorded.course(record, lr, int(settings["epochs"]))


def with_data(course: Course, context: ProbeContext) -> Course:
    """The same with what is known of the data: the classes' shares, whether the test set is the
    train set, and the lecture's own settings for them.
    """
    spec, train, test = context.data.spec, context.train, context.data.test
    shares = {}
    if spec.task != "regression" and len(spec.classes) > 1:
        numbers = train.targets.reshape(-1).astype(np.int64)
        counts = np.bincount(numbers, minlength=len(spec.classes))
        shares = dict(zip(spec.classes, (counts / counts.sum()).tolist(), strict=True))
    same = test is not None and test.inputs.shape == train.inputs.shape
    same = same and test is not None and bool((test.inputs == train.inputs).all())
    return replace(
        course,
        class_shares=shares,
        fingerprints=("same", "same") if same else None,
        usual=lecture_defaults(context.settings),
    )


def probe(context: ProbeContext, query: str) -> tuple[Course, Look]:
    """A look at the model and its data, to be taken between two steps; then `diagnose(*found)`."""
    return with_data(observations_of_run(context.folder), context), look_at(context)


def look_at(context: ProbeContext) -> Look:
    """The model's activations and gradients, as far as it has such."""
    from tui_app.inspection.probes import activations, gradients

    lecture = context.settings.lecture
    layers, is_constant = activations.probe(context, ""), _is_constant(context)
    if lecture.backward is not None or "lr" not in lecture.fields:  # a search has no gradient
        return Look(layers, is_constant=is_constant)
    of_one = gradients.gradient_norm(context, evenly_spaced_rows(context.train, 1))
    return Look(layers, gradients.probe(context, "own"), is_constant, of_one)


@torch.no_grad()
def _is_constant(context: ProbeContext) -> bool:
    """Whether the model gives the same output for all samples of a batch, to the last digits."""
    inputs, _ = context.batch(context.train, evenly_spaced_rows(context.train, _SAMPLES))
    if len(inputs) < 2 or bool((inputs == inputs[:1]).all()):
        return False
    outputs = context.model(inputs).double().flatten(1)
    spread = float((outputs - outputs[:1]).abs().max())
    return spread <= _SAME * max(1.0, float(outputs.abs().max()))
