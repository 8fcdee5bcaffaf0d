"""The four steps of a lecture as they stand in its file, with the shapes that go through them."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np
import torch

from models.user_files.parsing import parse
from tui_app.inspection.probe_runner import ProbeContext
from tui_app.text.quantities import counted


@dataclass(frozen=True)
class Step:
    """One of the four: its source, and what this run makes of it."""

    title: str
    source: tuple[str, ...]
    today: tuple[str, ...]


@torch.no_grad()
def probe(subject: ProbeContext, ask: str) -> tuple[Step, ...]:
    """Data, model, loss and optimizer, loop."""
    hp, size = subject.settings.hyperparameters, len(subject.train)
    batch = size if hp.batch_size == "full" else min(hp.batch_size, size)
    inputs, targets = subject.batch(subject.train, np.arange(min(batch, 64)))
    outputs = subject.model(inputs)
    shapes = {
        name: f"{name} {(batch, *tensor.shape[1:])} {str(tensor.dtype).removeprefix('torch.')}"
        for name, tensor in (("inputs", inputs), ("targets", targets), ("outputs", outputs))
    }
    loss = float(subject.criterion(outputs, targets))
    steps = -(-size // batch)
    criterion = str(subject.criterion).replace("\n", " ")
    count = sum(weight.numel() for weight in subject.model.parameters())
    return (
        Step(
            "1. Data",
            (f"dataset = {subject.settings.dataset}  # {size} samples",),
            (shapes["inputs"], shapes["targets"], f"{counted(steps, 'step')} an epoch"),
        ),
        Step(
            "2. Model",
            _sources(subject, type(subject.model).__name__)
            or _sources(subject, _name(subject.settings.lecture.model)),
            (counted(count, "weight"), shapes["outputs"]),
        ),
        Step(
            "3. Loss and optimizer",
            (
                f"criterion = {criterion}",
                f"optimizer = {_optimizer(subject)}",
                *_sources(subject, _name(subject.settings.lecture.optimizer)),
            ),
            (f"one number: {loss:.4f}", f"lr {subject.lr:g}"),
        ),
        Step(
            "4. Loop",
            (*_loop(subject), *_sources(subject, _name(subject.settings.lecture.backward))),
            (f"epoch {subject.epoch} of {hp.epochs}, step {subject.step}",),
        ),
    )


def _loop(subject: ProbeContext) -> list[str]:
    """The loop as this lecture has it: some write the gradient out, a search has none."""
    lecture = subject.settings.lecture
    lines = [
        ("for inputs, targets in batches:", ""),
        ("    loss = criterion(model(inputs), targets)", "forward"),
        ("    optimizer.zero_grad()", "forget the last gradients"),
        ("    loss.backward()", "backward"),
        ("    optimizer.step()", "update"),
    ]
    if "lr" not in lecture.fields:
        lines[2:] = [("    optimizer.step()", "the next candidate: no gradient is asked for")]
    elif lecture.backward is not None:
        lines[3] = f"    {_name(lecture.backward)}(model, inputs, targets)", "backward, written out"
    return [f"{code:<45} # {note}" if note else code for code, note in lines]


def _optimizer(subject: ProbeContext) -> str:
    lecture, hp = subject.settings.lecture, subject.settings.hyperparameters
    used = lecture.used(hp)
    name = getattr(lecture.optimizer, "__name__", used.get("optimizer", ""))
    words = [
        f"{word}={used[word]:g}" for word in ("lr", "momentum", "weight_decay") if word in used
    ]
    return f"{name}({', '.join(words)})"


def _name(thing: object) -> str:
    return getattr(thing, "__name__", "")


def _sources(subject: ProbeContext, name: str) -> tuple[str, ...]:
    """What is called `name` as it stands in the lecture's file, after the functions that it calls
    there; nothing where there is no such thing.
    """
    text = subject.settings.lecture.text
    nodes = {
        node.name: node
        for node in parse(text).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    if name not in nodes:
        return ()
    used = {node.id for node in ast.walk(nodes[name]) if isinstance(node, ast.Name)}
    called = [n for n in nodes if n in used and isinstance(nodes[n], ast.FunctionDef)]
    lines = text.splitlines()
    found: list[str] = []
    for node in (nodes[each] for each in (*called, name)):
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        found += [*([""] if found else []), *lines[first - 1 : node.end_lineno]]
    return tuple(found)
