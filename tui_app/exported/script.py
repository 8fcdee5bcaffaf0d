"""The script of a run: data, model, loss and optimizer, loop: the four steps of every lecture."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from pprint import pformat
from typing import Any

import torch

from models.fields import InvalidValue
from models.lecture import Hyperparameters
from tui_app.exported.arrays import DataCode, data_code
from tui_app.exported.lecture_source import LectureSource
from tui_app.exported.local_modules import local_modules
from tui_app.exported.loop_template import LOOP
from tui_app.training.augmentation import SHIFT, augmented, mirrored, shifted
from tui_app.training.evaluation import reduction_of
from tui_app.training.metrics_file import last_line
from tui_app.training.optimizers import OPTIMIZERS, is_fused
from tui_app.training.schedule import Span
from tui_app.training.snapshot import Subject


def script_of(subject: Subject, record: dict[str, Any], stem: str) -> tuple[str, bytes]:
    """The script of the run, and what `<stem>.npz` beside it must hold (nothing for most).

    `record` is its run.json. The same losses come of it on the same device and versions.
    """
    settings = subject.settings
    source = LectureSource(settings.lecture)
    for name in ("model", "criterion"):
        if source.declared(name) is None:
            raise InvalidValue(
                f"{settings.lecture.path} has no line `LECTURE = Lecture(..., {name}=...)`: a "
                "script can't be made of it"
            )
    is_split = subject.measured in ("test", "validation")
    data = data_code(
        settings.dataset,
        subject.data,
        subject.train,
        subject.split if is_split else None,
        f"{stem}.npz",
    )
    parts = [
        _head(subject, record),
        local_modules(settings.lecture),
        source.code(),
        _settings(subject),
        _data(subject, data),
        _model(subject, source, record),
        _augmentation(getattr(subject.settings.hyperparameters, "augment", "none")),
        _loop(subject, source),
    ]
    script = "\n\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
    for module in ("base64", "io", "math"):
        if f"{module}." not in script:
            script = script.replace(f"import {module}\n", "", 1)
    if data.packed:  # at the end, where nobody has to scroll past it
        packed = f'PACKED = r"""\n{data.packed}\n"""\n\n'
        script = script.replace("# 1. Data", f"{_PACKED_NOTE}{packed}# 1. Data", 1)
    return script, data.arrays


_PACKED_NOTE = "# The samples: numpy's npz, packed as text. The four steps follow below it.\n"


def _head(subject: Subject, record: dict[str, Any]) -> str:
    lecture, versions = subject.settings.lecture, record.get("versions", {})
    return f'''"""{lecture.title}: the run {subject.folder.name}, as one script.

Written by `tutorch export`, which it doesn't need: torch and numpy are enough (and torchvision,
where it fetches its data). It was trained with torch {versions.get("torch")} on
{record.get("device")}; the same there gives the same losses.
"""

from __future__ import annotations

import base64
import io
import math
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
'''


def _settings(subject: Subject) -> str:
    """The numbers of the run, as its model asks for them."""
    lecture, hp, spec = (
        subject.settings.lecture,
        subject.settings.hyperparameters,
        subject.data.spec,
    )
    values = lecture.used(hp)
    own = {k: v for k, v in asdict(hp).items() if not hasattr(Hyperparameters, k)}
    named = ",\n    ".join(
        f"{name}={value!r}" for name, value in {**values, **own, "seed": hp.seed}.items()
    )
    shape = f"input_shape={spec.input_shape!r}, task={spec.task!r}, outputs={spec.outputs!r}"
    names = pformat(spec.classes, width=88, compact=True).replace("\n", "\n    ")
    letters = pformat(spec.vocabulary, width=88, compact=True).replace("\n", "\n    ")
    return f"""

HYPERPARAMETERS = SimpleNamespace(
    {named},
)
SPEC = SimpleNamespace(
    {shape},
    classes={names},
    vocabulary={letters},
)
"""


def _data(subject: Subject, data: DataCode) -> str:
    text = f"# 1. Data\n\n{data.code}"
    if subject.data.spec.input_shape and subject.train.inputs.dtype.kind == "u":
        text += f"""

def normalised(images):
    \"\"\"uint8 images (N, C, H, W): divided by 255, less the mean, over the deviation.\"\"\"
    mean = torch.tensor({subject.data.mean!r}).reshape(-1, 1, 1)
    std = torch.tensor({subject.data.std!r}).reshape(-1, 1, 1)
    return images.float().div_(255).sub_(mean).div_(std)


train_x = normalised(train_x)
test_x = normalised(test_x) if test_x is not None else None
"""
    return text


def _model(subject: Subject, source: LectureSource, record: dict[str, Any]) -> str:
    hp, model = subject.settings.hyperparameters, source.declared("model")
    is_image = any(weight.ndim == 4 for weight in subject.model.parameters())
    layout = ""
    if is_image and record.get("device") == "cpu" and hp.optimizer != "lbfgs":
        layout = "model = model.to(memory_format=torch.channels_last)  # faster on the CPU\n"
    return f"""
# 2. Model

torch.set_num_threads({int(record.get("threads") or 1)})
torch.manual_seed({hp.seed})
random.seed({hp.seed})
np.random.seed({hp.seed % 2**32})
device = torch.device({str(record.get("device"))!r})
model = {model}(SPEC, HYPERPARAMETERS).to(device)
{layout}
# 3. Loss and optimizer

criterion = {source.declared("criterion")}()
optimizer = {_optimizer(subject, source, record)}
"""


def _optimizer(subject: Subject, source: LectureSource, record: dict[str, Any]) -> str:
    lecture, hp = subject.settings.lecture, subject.settings.hyperparameters
    if lecture.optimizer is not None:
        return f"{source.declared('optimizer')}(model, HYPERPARAMETERS)"
    used = lecture.used(hp)
    words = [f"{k}={used[k]!r}" for k in ("lr", "momentum", "weight_decay") if k in used]
    if is_fused(hp.optimizer, torch.device(str(record.get("device"))).type):
        words.append("fused=True")
    return (
        f"torch.optim.{OPTIMIZERS[hp.optimizer].__name__}(model.parameters(), {', '.join(words)})"
    )


def _augmentation(how: str) -> str:
    """What varies the images, as it stands in tutorch."""
    if how == "none":
        return ""
    parts = [f"SHIFT = {SHIFT}", *map(inspect.getsource, (shifted, mirrored, augmented))]
    text = "\n\n".join(parts).replace("functional.", "nn.functional.")
    return "\n" + text.replace(": Tensor", ": torch.Tensor").replace("> Tensor", "> torch.Tensor")


def _loop(subject: Subject, source: LectureSource) -> str:
    hp, size = subject.settings.hyperparameters, len(subject.train)
    batch = size if hp.batch_size == "full" else min(hp.batch_size, size)
    drop = bool(getattr(hp, "drop_last", False))
    steps = size // batch if drop else -(-size // batch)
    varies = getattr(hp, "augment", "none") != "none"
    backward = source.declared("backward")
    is_sum = reduction_of(subject.criterion) == "sum"
    indented = "            "  # what stands within a `with` or an `if` of the closure
    by_hand = f"{backward}(model, inputs, targets)" if backward else "loss.backward()"
    is_own = subject.settings.lecture.optimizer is not None  # and may want no gradient
    guard = "" if backward or not is_own else f"if torch.is_grad_enabled():\n{indented}"
    clip = f"        nn.utils.clip_grad_norm_(model.parameters(), {hp.clip_grad_norm})\n"
    forward = "loss = criterion(model(inputs), targets)"
    if subject.settings.options.precision == "bf16":
        forward = f"with torch.autocast(device.type, dtype=torch.bfloat16):\n{indented}{forward}"
    return LOOP.format(
        epochs=hp.epochs,
        batch=batch,
        per_epoch=steps,
        last=_steps_taken(subject),
        changes=pformat(dict(subject.lr_changes())),
        lr=hp.lr,
        order=_order(hp, size),
        factor=_factor(hp, steps, subject.spans or ((0, hp.epochs * steps),)),
        augment="        inputs = augmented(inputs, HYPERPARAMETERS.augment)\n" if varies else "",
        forward=forward,
        backward=f"{guard}{by_hand}",
        clip=clip if hp.clip_grad_norm else "",
        total="loss" if is_sum else "loss * len(inputs)",
        mean="total" if is_sum else "total / samples",
        measure=_measure(subject),
    )


def _steps_taken(subject: Subject) -> int:
    """The steps that the run had: fewer than planned when it was stopped."""
    block = last_line(subject.folder.metrics, "steps")
    return block["first_step"] + len(block["losses"]) - 1 if block else 0


def _order(hp: Hyperparameters, size: int) -> str:
    if not hp.shuffle:
        return f"torch.arange({size})"
    return (
        f"torch.randperm({size}, generator=torch.Generator().manual_seed(\n"
        f"        ({hp.seed} + (epoch + 1) * 0x9E3779B97F4A7C15) % 2**63))"
    )


def _factor(hp: Hyperparameters, steps: int, spans: tuple[Span, ...]) -> str:
    """The lr schedule: what follows from `step`, the steps taken before."""
    share = f"""first, last = max(span for span in {spans} if span[0] <= step)
    share = min(1.0, (step - first) / max(1, last - first))
    """
    match hp.lr_schedule:
        case "step":
            return f"return {hp.lr_gamma} ** (step // {steps} // {hp.lr_step_epochs})"
        case "cosine":
            return f"{share}return (1 + math.cos(math.pi * share)) / 2"
        case "one-cycle":
            up = "1 + (1 / 25 - 1) * (1 + math.cos(math.pi * share / 0.3)) / 2"
            down = "1 / 25e4 + (1 - 1 / 25e4) * (1 + math.cos(math.pi * (share - 0.3) / 0.7)) / 2"
            return f"{share}if share < 0.3:\n        return {up}\n    return {down}"
    return "return 1.0"


def _measure(subject: Subject) -> str:
    match subject.data.spec.task:
        case "binary":
            right = "((outputs > 0) == (targets > 0.5)).float().mean().item()"
        case "multiclass":
            right = "(outputs.argmax(dim=1) == targets).float().mean().item()"
        case _:
            right = "criterion(outputs, targets).item()"
    return right
