"""Assembles the script of a run: data, model, loss and optimizer, training loop."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any

import torch

from models.fields import InvalidValue
from models.lecture import PREPARED, Hyperparameters, Lecture
from models.user_files.source import RESERVED
from tui_app.export.arrays import DataCode, data_code
from tui_app.export.lecture_source import LectureSource
from tui_app.export.literals import comment, literal
from tui_app.export.local_modules import local_modules
from tui_app.export.loop import loop_code
from tui_app.export.optimizer import optimizer_expression, optimizer_functions
from tui_app.inspection.probe_context import ProbeContext
from tui_app.runs.errors import DamagedRun
from tui_app.runs.run_record import RunRecord
from tui_app.training.build_model import wants_channels_last
from tui_app.training.data.alternation import (
    ALTERNATING,
    MOST_SHIFTED,
    alternation,
    picked,
    reflected,
)
from tui_app.training.data.augmentation import SHIFT, augmented, mirrored, shifted
from tui_app.training.data.sampler import SEED_STRIDE, epoch_generator


def script_of(context: ProbeContext, record: RunRecord, stem: str) -> tuple[str, bytes]:
    """The script of the run, and the content of `<stem>.npz` beside it (empty for most).

    `record` is its run.json. On the same device and versions the script gives the same losses.
    Raises InvalidValue and DamagedRun.
    """
    settings = context.settings
    _refuse_no_device(context, record.device)
    source = LectureSource(settings.lecture)
    for name in ("model", "criterion"):
        if source.declared(name) is None:
            raise InvalidValue(
                f"{settings.lecture.path} has no line `LECTURE = Lecture(..., {name}=...)`, "
                "which a script needs"
            )
    is_split = context.measured in ("test", "validation")
    data = data_code(
        settings.dataset,
        context.data,
        context.train,
        context.split if is_split else None,
        f"{stem}.npz",
    )
    parts = [
        local_modules(settings.lecture),
        source.code(),
        _settings(context),
        _packed(data),
        _data(context, data),
        _model(context, source, record),
        _augmentation(getattr(context.settings.hyperparameters, "augment", "none")),
        loop_code(context, source),
    ]
    parts.insert(0, _head(context, record, parts))
    script = "\n\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
    return script, data.arrays


def _refuse_no_device(context: ProbeContext, device: object) -> None:
    try:
        torch.device(device if isinstance(device, str) else "")
    except RuntimeError as error:
        raise DamagedRun(f"{context.folder.run_json} names no device: {device!r}"[:300]) from error


_PACKED_NOTE = "# The samples: numpy's npz, packed as text. The four steps follow below.\n"


def _packed(data: DataCode) -> str:
    return f'{_PACKED_NOTE}PACKED = r"""\n{data.packed}\n"""\n' if data.packed else ""


def _head(context: ProbeContext, record: RunRecord, parts: Sequence[str]) -> str:
    versions = record.values.get("versions")
    torch_version = versions.get("torch") if isinstance(versions, dict) else None
    modules = [name for name in ("base64", "io", "math") if _is_used(name, parts)]
    imports = "".join(f"import {name}\n" for name in modules)
    guard = _GUARD if _may_lie_beside_reserved(context.settings.lecture) else ""
    # The docstring comes first: in the first two lines, a title could declare another encoding.
    return f'''"""A run of tutorch as one script.

Written by `tutorch export`. It doesn't need tutorch: torch and numpy are enough (and torchvision,
if it fetches its data). With the same versions on the same device it gives the same losses.
"""

{comment(context.settings.lecture.title)}
{comment(f"The run: {context.folder.name}")}
{comment(f"It was trained with torch {torch_version} on {record.device}.")}

from __future__ import annotations

{guard}{imports}import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
'''


_GUARD = """\
import os
import sys

# Don't import a file beside this script in place of the installed module of the same name.
BESIDE = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = [folder for folder in sys.path if folder != BESIDE]

"""


def _may_lie_beside_reserved(lecture: Lecture) -> bool:
    """Whether a file of the lecture, beside which the script may be saved, has the name of one of
    Python's modules or torch's.
    """
    files = lecture.source.files if lecture.source else ()
    return any(PurePosixPath(file).parts[0].removesuffix(".py") in RESERVED for file in files)


def _is_used(module: str, parts: Sequence[str]) -> bool:
    return any(re.search(rf"\b{module}\.", part) for part in parts)


def _settings(context: ProbeContext) -> str:
    """The run's hyperparameters and data spec, under the names that the model uses."""
    lecture, hp, spec = (
        context.settings.lecture,
        context.settings.hyperparameters,
        context.data.spec,
    )
    values = lecture.relevant_settings(hp)
    own = {k: v for k, v in asdict(hp).items() if not hasattr(Hyperparameters, k)}
    named = ",\n    ".join(
        f"{name}={literal(value, indent=4)}"
        for name, value in {**values, **own, "seed": hp.seed}.items()
    )
    shape = f"input_shape={literal(spec.input_shape)}, task={literal(spec.task)}"
    return f"""

HYPERPARAMETERS = SimpleNamespace(
    {named},
)
SPEC = SimpleNamespace(
    {shape}, outputs={literal(spec.outputs)},
    classes={literal(spec.classes, indent=4)},
    vocabulary={literal(spec.vocabulary, indent=4)},
)
"""


def _data(context: ProbeContext, data: DataCode) -> str:
    text = f"# 1. Data\n\n{data.code}"
    if context.data.spec.input_shape and (brightest := context.data.brightest):
        text += f"""

def normalised(images):
    \"\"\"Images (N, C, H, W), divided by {brightest}, with mean 0 and deviation 1.\"\"\"
    mean = torch.tensor({literal(context.data.mean, indent=4)}).reshape(-1, 1, 1)
    std = torch.tensor({literal(context.data.std, indent=4)}).reshape(-1, 1, 1)
    return images.float().div_({brightest}).sub_(mean).div_(std)


train_x = normalised(train_x)
test_x = normalised(test_x) if test_x is not None else None
"""
    return text


def _model(context: ProbeContext, source: LectureSource, record: RunRecord) -> str:
    hp, model = context.settings.hyperparameters, source.declared("model")
    lecture, prepare = context.settings.lecture, ""
    if lecture.prepare is not None:
        prepare = f"{source.declared('prepare')}(model, train_x[:{PREPARED}].to(device))\n"
    argument = "HYPERPARAMETERS" if lecture.has_criterion_of_settings else ""
    layout, device_type = "", torch.device(record.device).type
    if wants_channels_last(context.model, context.settings, device_type):
        layout = "model = model.to(memory_format=torch.channels_last)  # faster\n"
    precision = ""
    if context.settings.options.precision == "tf32" and device_type == "cuda":
        precision = 'torch.set_float32_matmul_precision("high")  # TensorFloat-32\n'
    to_prepare, threads = context.threads_to_prepare(), context.threads()[1]
    set_threads = f"torch.set_num_threads({threads})\n" if threads != to_prepare else ""
    return f"""
# 2. Model

torch.set_num_threads({to_prepare})
{precision}torch.manual_seed({hp.seed})
random.seed({hp.seed})
np.random.seed({hp.seed % 2**32})
device = torch.device({literal(record.device)})
model = {model}(SPEC, HYPERPARAMETERS).to(device)
{layout}{prepare}
# 3. Loss and optimizer

{optimizer_functions(context)}criterion = {source.declared("criterion")}({argument})
optimizer = {optimizer_expression(context, source, record.device)}
{set_threads}"""


def _augmentation(how: str) -> str:
    """The functions that vary the images, from tutorch's source."""
    if how == "none":
        return ""
    functions: tuple[Callable[..., Any], ...] = (shifted, mirrored, augmented)
    constants = f"SHIFT = {SHIFT}"
    if how == ALTERNATING:
        functions = (epoch_generator, alternation, reflected, picked)
        constants = f"SEED_STRIDE, MOST_SHIFTED = 0x{SEED_STRIDE:X}, {MOST_SHIFTED}"
    parts = [constants, *map(inspect.getsource, functions)]
    text = "\n\n".join(parts).replace("functional.", "nn.functional.")
    return "\n" + text.replace(": Tensor", ": torch.Tensor").replace("> Tensor", "> torch.Tensor")
