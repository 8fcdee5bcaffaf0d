"""Holds a run in memory, and defines the part of it that a checkpoint saves."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from datasets import DataSpec
from models.lecture import Hyperparameters
from tui_app.runs.checkpoints.checkpoint import count_of, number_of
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_options import MOST_THREADS
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.best_models import BestModels
from tui_app.training.data.batch_source import Batches
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.devices.device import DeviceInfo
from tui_app.training.devices.threads import ThreadChange, ThreadChoice, use_threads
from tui_app.training.epoch_progress import EpochProgress
from tui_app.training.optimizers import load_plain_state, plain_state, set_lrs
from tui_app.training.ranks.ranks import ALONE, Ranks
from tui_app.training.schedule import Schedule, spans_of
from tui_app.training.seeding import (
    RNG_OF_RANKS,
    restore_rng_state,
    rng_of_ranks,
    rng_state,
    seed_rank,
)


@dataclass(frozen=True)
class Measured:
    """The split that the model is evaluated on after an epoch.

    `name` is `test`, `validation`, or `train` if there is no other.
    """

    name: str
    split: DeviceSplit

    def values(self, measured: dict[str, float]) -> dict[str, float]:
        """The measured values by the names they have in the metrics."""
        return {metric_name(name, self.name): value for name, value in measured.items()}

    def metric(self, metric: str) -> str:
        """The name of `metric` on this split: `test_accuracy`."""
        return metric_name(metric, self.name)


def metric_name(metric: str, split: str) -> str:
    """The name in the metrics of a `metric` that is measured on a split: `test_accuracy`."""
    if split == "train" and metric == "loss":
        return "train_loss_after"  # `train_loss` is the mean over the steps, before each update
    return f"{split}_{metric}"


@dataclass
class Training:
    """A run in memory. `state_dict` has what changes during training; run.json has the rest."""

    settings: RunSettings
    spec: DataSpec
    device: DeviceInfo
    thread_choice: ThreadChoice
    fingerprint: str
    model: nn.Module
    criterion: nn.Module
    optimizer: torch.optim.Optimizer
    batches: Batches
    schedule: Schedule
    measured: Measured
    train_size: int
    test: DeviceSplit | None
    best: BestModels
    ranks: Ranks = ALONE
    notes: tuple[str, ...] = ()
    run_folder: RunFolder | None = None
    """None until the run has its folder; see `folder`."""

    multiply_adds: int = 0
    """Those of a forward pass, for one sample; 0 if they weren't counted."""

    threads: int = 1
    threads_reason: str = ""
    """How many CPU threads the next step uses, and why; `thread_choice` has the run's first."""

    lr: float = 0.0
    epoch: int = 0
    step: int = 0
    epoch_progress: EpochProgress = field(default_factory=EpochProgress)
    first_loss: float = math.nan
    evaluations_without_best: int = 0
    seconds: float = 0.0
    parts: int = 1
    """The number of parts that a batch is split into: more than 1 if the memory is too small."""

    lr_changes: dict[int, float] = field(default_factory=dict)
    """Changes of the lr by hand that are to be repeated, by the number of steps before them."""

    thread_changes: dict[int, ThreadChange] = field(default_factory=dict)
    """Changes of the threads that are to be repeated, by the number of steps before them."""

    pending_warnings: list[str] = field(default_factory=list)
    """Warnings of a step that the loop has yet to publish."""

    @property
    def folder(self) -> RunFolder:
        """The run's folder. Raises ValueError if this is no run, as in a replay."""
        if self.run_folder is None:
            raise ValueError("this training belongs to no run, and has no folder")
        return self.run_folder

    @property
    def run(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The run's hyperparameters."""
        return self.settings.hyperparameters

    @property
    def epochs(self) -> int:
        """The number of epochs that the run has in the end."""
        return self.hyperparameters.epochs

    @property
    def parameters(self) -> int:
        """The number of weights that training changes."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    @property
    def metric(self) -> str:
        """The name of the metric that the best model is chosen by: `test_accuracy`."""
        return self.measured.metric(self.best.metric)

    def autocast(self) -> AbstractContextManager[object]:
        """The context for a forward pass in the run's precision; `products_in` sets up tf32."""
        if self.settings.options.precision != "bf16":
            return nullcontext()
        return torch.autocast(torch.device(self.device.name).type, dtype=torch.bfloat16)

    def begin_with(self, choice: ThreadChoice) -> None:
        """Train with the threads of this choice from the first step on."""
        self.thread_choice = choice
        self.threads, self.threads_reason = choice.count, choice.reason
        use_threads(choice.count)

    @property
    def current_lr(self) -> float:
        """The run's lr in the next step."""
        return self.lr * self.schedule.factor(self.step)

    @property
    def group_lrs(self) -> list[float]:
        """The lr of each of the optimizer's groups of weights in the next step."""
        return self.group_lrs_at(self.step)

    def group_lrs_at(self, step: int) -> list[float]:
        """The same in the step after `step` steps, if nobody changes the lr until then."""
        factors = self.schedule.factors(step)
        if len(factors) == 1:  # for all groups of a lecture's own optimizer
            factors *= len(self.optimizer.param_groups)
        return [self.lr * factor for factor in factors]

    def apply_lr(self) -> None:
        """Set the optimizer's lrs to those of the next step."""
        set_lrs(self.optimizer, self.group_lrs)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue exactly, as tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "optimizer": plain_state(self.optimizer, self.group_lrs),
            "best": self.best.state_dict(),
            "rng": rng_state(torch.device(self.device.name)),
            "schedule": [list(span) for span in self.schedule.spans],
            "so_far": dict(vars(self.epoch_progress)),
            "lr": self.lr,
            "epoch": self.epoch,
            "step": self.step,
            "first_loss": self.first_loss,
            "evaluations_without_best": self.evaluations_without_best,
            "seconds": self.seconds,
            "parts": self.parts,
            "threads": self.threads,
        }

    def state_of_all_ranks(self) -> dict[str, Any]:
        """`state_dict`, with the random numbers of all ranks on the one that writes it.

        All ranks must call it. Their buffers become rank 0's, as if the run had been resumed here.
        """
        self.ranks.broadcast(self.model.buffers())
        state = self.state_dict()
        if self.ranks.count == 1:
            return state
        return {**state, RNG_OF_RANKS: self.ranks.gather(state["rng"])}

    def begin_rank(self) -> None:
        """Start with the model of rank 0, and with random numbers of this rank's own."""
        self.ranks.broadcast([*self.model.parameters(), *self.model.buffers()])
        if self.ranks.rank:
            seed_rank(self.hyperparameters.seed, self.ranks.rank, self.step)

    def _load_rng(self, state: dict[str, Any]) -> None:
        """Restore the random numbers; those of another number of ranks don't suit this one."""
        device, states = torch.device(self.device.name), rng_of_ranks(state)
        if len(states) == self.ranks.count:
            restore_rng_state(states[self.ranks.rank], device)
        elif self.ranks.rank == 0:
            restore_rng_state(state["rng"], device)
        else:
            seed_rank(self.hyperparameters.seed, self.ranks.rank, self.step)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises KeyError, TypeError, ValueError or any error of torch's if `state` is of another run.
        """
        self.model.load_state_dict(state["model"])
        load_plain_state(self.optimizer, state["optimizer"])
        self.best.load_state_dict(state["best"])
        self.schedule = replace(self.schedule, spans=spans_of(state["schedule"]))
        so_far = state["so_far"]
        self.epoch_progress = EpochProgress(
            count_of(so_far, "steps", len(self.batches)),
            count_of(so_far, "samples"),
            number_of(so_far, "loss", least=-math.inf),
            number_of(so_far, "seconds"),
        )
        self.lr = number_of(state, "lr")
        self.epoch = count_of(state, "epoch")
        self.step = count_of(state, "step")
        self.first_loss = float(state["first_loss"])  # not a number before the first step
        self.evaluations_without_best = count_of(state, "evaluations_without_best")
        self.seconds = number_of(state, "seconds")
        self.parts = max(1, count_of({"parts": 1, **state}, "parts"))
        threads = count_of({"threads": self.threads, **state}, "threads", MOST_THREADS)
        are_as_many = len(rng_of_ranks(state)) == self.ranks.count
        if are_as_many and threads not in (0, self.threads):
            self.threads, self.threads_reason = threads, "as when it was saved"
        self._load_rng(state)
