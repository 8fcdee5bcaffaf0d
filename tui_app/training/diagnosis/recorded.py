"""What the rules need to know, from a run's folder and a look at its model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tui_app.training.diagnosis.course import Course, Look
from tui_app.training.metrics_file import read_metrics
from tui_app.training.run_folder import RunFolder
from tui_app.training.snapshot import Subject


def course_of_folder(folder: RunFolder) -> Course:
    """The course of a run as it is recorded so far. Raises DamagedRun."""
    record, losses, epochs = folder.read_record(), [], []
    lr = float(record["hyperparameters"].get("lr", 0.0))
    for line in read_metrics(folder.metrics):
        if line["kind"] == "steps":
            losses += [_number(loss) for loss in line["losses"]]
            lr = float(line["lr"])
        elif line["kind"] == "epoch":
            epochs.append(line)
    names = {name for line in epochs for name in line if name.endswith(("_loss", "_accuracy"))}
    return Course(
        lr=lr,
        losses=losses,
        epochs={name: [_number(line.get(name)) for line in epochs] for name in sorted(names)},
        base_rates=record.get("base_rates", {}),
        hyperparameters=record["hyperparameters"],
        reduction=str(record.get("reduction", "mean")),
        train_size=int(record.get("train_size", 0)),
        epochs_planned=int(record["hyperparameters"]["epochs"]),
    )


def with_data(course: Course, subject: Subject) -> Course:
    """The same with what is known of the data: the classes' shares, and whether the test set is
    the train set.
    """
    spec, train, test = subject.data.spec, subject.train, subject.data.test
    shares = {}
    if spec.task != "regression" and len(spec.classes) > 1:
        numbers = train.targets.reshape(-1).astype(np.int64)
        counts = np.bincount(numbers, minlength=len(spec.classes))
        shares = dict(zip(spec.classes, (counts / counts.sum()).tolist(), strict=True))
    same = test is not None and test.inputs.shape == train.inputs.shape
    same = same and test is not None and bool((test.inputs == train.inputs).all())
    return replace(course, class_shares=shares, fingerprints=("same", "same") if same else None)


def probe(subject: Subject, ask: str) -> tuple[Course, Look]:
    """A look at the model and its data, to be taken between two steps; then `diagnose(*found)`."""
    return with_data(course_of_folder(subject.folder), subject), look_at(subject)


def look_at(subject: Subject) -> Look:
    """The model's activations and gradients, as far as it has such."""
    from tui_app.training.probes import activations, gradients

    lecture = subject.settings.lecture
    plain = lecture.backward is None and "lr" in lecture.fields  # a search has no gradient
    return Look(activations.probe(subject, ""), gradients.probe(subject, "own") if plain else None)


def _number(value: Any) -> float:
    """A number; what was not finite stands as null in the file."""
    return float("nan") if value is None else float(value)
