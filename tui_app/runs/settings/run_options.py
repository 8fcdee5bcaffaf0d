"""Declares the options that every lecture has, besides its hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from models.fields import InvalidValue, IsPath, Pattern, Range

#: The options that apply only to a table of the user's (`--dataset csv:FILE`).
TABLE_OPTIONS = ("target", "drop", "columns")

#: More threads, or devices, can't be requested.
MOST_THREADS = 1024
MOST_DEVICES = 1024

#: What `device` may be for several devices: a kind of device, and not one of them.
_SEVERAL_OF = ("auto", "cuda", "cpu")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run of any lecture is trained, evaluated and saved."""

    dataset: str = ""
    """The data set to learn from; the lecture's first when not given."""

    target: str = ""
    """The column to predict, with --dataset csv:FILE."""

    drop: str = ""
    """Columns of csv:FILE not to learn from, with commas between: name,ticket."""

    columns: str = ""
    """The only columns of csv:FILE to learn from, with commas between, also those that would be
    left out as identifiers. A name with a comma in it stands in quotes: age,"height, cm"."""

    validation: Annotated[float, Range(minimum=0, below=1)] = 0.0
    """Share of the train set held out to choose the best model on; the test set is then used
    once, at the end."""

    device: Annotated[
        str, Pattern(r"auto|cpu|mps|cuda(:[0-9]+)?", "one of auto, cpu, cuda, cuda:N, mps")
    ] = "auto"
    """auto, cpu, cuda, cuda:N or mps; auto is the CUDA device with the most free memory, then mps,
    else cpu. A run with very small steps uses cpu."""

    devices: Annotated[int, Range(minimum=1, maximum=MOST_DEVICES)] = 1
    """How many devices train together, each on its share of every batch: CUDA devices of this
    machine, or processes on its CPU. The settings mean the same for any number."""

    sync_batchnorm: bool = False
    """With several CUDA devices: compute BatchNorm's statistics over the whole batch, instead of
    each device's share of it."""

    threads: Annotated[int | Literal["auto"], Range(minimum=1, maximum=MOST_THREADS)] = "auto"
    """CPU threads to train with; auto measures which number is fastest, and uses one while other
    programs are busy."""

    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    """How products are computed; weights and sums are float32. fp32: torch's default, which on CUDA
    computes convolutions in TensorFloat-32. tf32: all matrix products and convolutions in
    TensorFloat-32 (NVIDIA GPUs from Ampere on). bf16: both in bfloat16; the conversions can slow
    down small nets."""

    eval_every: Annotated[int, Range(minimum=1)] = 1
    """Epochs between two evaluations."""

    keep_best: Annotated[int, Range(minimum=1, maximum=100)] = 1
    """How many of the best models to keep: best.pt, best-2.pt, ..."""

    save_every: Annotated[float, Range(above=0)] = 60.0
    """Seconds between two checkpoints."""

    max_time: Annotated[float, Range(minimum=0)] = 0.0
    """Seconds after which to save and stop; 0 sets no limit."""

    on_oom: Literal["halve", "stop"] = "halve"
    """When the device has too little memory for a batch: halve takes it in 2, 4, ... parts with
    their gradients added up, stop gives advice and ends the run."""

    on_hangup: Literal["keep", "stop"] = "keep"
    """When the terminal is closed: keep continues training without it, stop saves and stops."""

    data_dir: Annotated[str, IsPath()] = ""
    """A folder to look for data in first; nothing is ever written to it."""

    runs_dir: Annotated[str, IsPath()] = "runs"
    """The folder that run folders are made in."""


def refuse_one_device(device: str, devices: int) -> None:
    """Raise InvalidValue if `devices` are several and `device` names a single one."""
    if devices > 1 and device not in _SEVERAL_OF:
        allowed = f"{', '.join(_SEVERAL_OF[:-1])} or {_SEVERAL_OF[-1]}"
        raise InvalidValue(
            f"devices: {devices} devices need device {allowed}, not {device}, which is one device",
            "devices",
        )
