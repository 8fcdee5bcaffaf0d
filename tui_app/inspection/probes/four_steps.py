"""Extracts the four steps of a lecture from its file, with the shapes that go through them."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np
import torch

from models.user_files.parsing import parse
from tui_app.inspection.probe_context import ProbeContext
from tui_app.text.quantities import counted
from tui_app.training.optimizers import optimizer_settings


@dataclass(frozen=True)
class Step:
    """One of the four: its source, and its shapes and numbers in this run."""

    title: str
    source: tuple[str, ...]
    this_run: tuple[str, ...]


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> tuple[Step, ...]:
    """Data, model, loss and optimizer, loop."""
    hp, size, batch = context.settings.hyperparameters, len(context.train), context.batch_size
    inputs, targets = context.batch(context.train, np.arange(min(batch, 64)))
    outputs = context.model(inputs)
    shapes = {
        name: f"{name} {(batch, *tensor.shape[1:])} {str(tensor.dtype).removeprefix('torch.')}"
        for name, tensor in (("inputs", inputs), ("targets", targets), ("outputs", outputs))
    }
    loss = float(context.criterion(outputs, targets))
    steps = -(-size // batch)
    criterion = str(context.criterion).replace("\n", " ")
    count = sum(weight.numel() for weight in context.model.parameters())
    return (
        Step(
            "1. Data",
            (f"dataset = {context.settings.dataset}  # {size} samples",),
            (shapes["inputs"], shapes["targets"], f"{counted(steps, 'step')} an epoch"),
        ),
        Step(
            "2. Model",
            _sources(context, type(context.model).__name__)
            or _sources(context, _name(context.settings.lecture.model)),
            (counted(count, "weight"), shapes["outputs"]),
        ),
        Step(
            "3. Loss and optimizer",
            (
                f"criterion = {criterion}",
                f"optimizer = {_optimizer(context)}",
                *_sources(context, _name(context.settings.lecture.optimizer)),
            ),
            (f"one number: {loss:.4f}", f"lr {context.lr:g}"),
        ),
        Step(
            "4. Loop",
            (*_loop(context), *_sources(context, _name(context.settings.lecture.backward))),
            (f"epoch {context.epoch} of {hp.epochs}, step {context.step}",),
        ),
    )


def _loop(context: ProbeContext) -> list[str]:
    """The lecture's loop: some compute the gradient themselves, a search has none."""
    lecture = context.settings.lecture
    lines = [
        ("for inputs, targets in batches:", ""),
        ("    loss = criterion(model(inputs), targets)", "forward"),
        ("    optimizer.zero_grad()", "clear the last gradients"),
        ("    loss.backward()", "backward"),
        ("    optimizer.step()", "update"),
    ]
    if "lr" not in lecture.fields:
        lines[2:] = [("    optimizer.step()", "the next candidate: no gradient needed")]
    elif lecture.backward is not None:
        lines[3] = f"    {_name(lecture.backward)}(model, inputs, targets)", "backward, written out"
    return [f"{code:<45} # {note}" if note else code for code, note in lines]


def _optimizer(context: ProbeContext) -> str:
    lecture, hp = context.settings.lecture, context.settings.hyperparameters
    used = lecture.relevant_settings(hp)
    name = getattr(lecture.optimizer, "__name__", used.get("optimizer", ""))
    words = [
        f"{word}={value if value is True else format(value, 'g')}"
        for word, value in optimizer_settings(lecture, hp).items()
    ]
    return f"{name}({', '.join(words)})"


def _name(thing: object) -> str:
    return getattr(thing, "__name__", "")


def _sources(context: ProbeContext, name: str) -> tuple[str, ...]:
    """The source of the class or function `name` in the lecture's file, after that of the functions
    that it calls there; empty where the file has none.
    """
    text = context.settings.lecture.text
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
