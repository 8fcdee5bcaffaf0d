"""Packs short epochs into one line of metrics.jsonl: a column for each of their values.

An epoch of one step would otherwise have a line for its loss, one for its values, and often one
more for being the best. Packed epochs turn into exactly those events again.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tui_app.runs.events import BestImproved, EpochCompleted, Event, StepsCompleted, finite

#: Epochs of a line, and values by name of an epoch, at most: so that no line of a file, in which a
#: column may stand as one value, takes much more memory than room on the disk.
MOST_EPOCHS = 20_000
MOST_VALUES = 32

#: Steps of a run whose losses are kept in memory, in 800 MB: no run is nearly as long.
MOST_STEPS = 10**8

#: In the place of a column: it has the values of `losses`.
_AS_LOSSES = "losses"


class PackedEpochs:
    """Consecutive epochs of equally many steps.

    `steps` are those of an epoch. `values` has a column for each value; where only some epochs
    have it, `where` says which, a sign for each epoch: 1 or 0. `best` says likewise which epochs
    were the best so far, by the value `metric`.
    """

    kind: ClassVar[str] = "epochs"

    def __init__(self, run: str, epoch: int, first_step: int, steps: int) -> None:
        self.run = run
        self.epoch = epoch
        self.first_step = first_step
        self.steps = steps
        self.losses: list[float | None] = []
        self.columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self.values: dict[str, list[float | None]] = {}
        self.where: dict[str, str] = {}
        self.best = ""
        self.metric = ""

    def __len__(self) -> int:
        return len(self.best)

    @classmethod
    def of(cls, steps: StepsCompleted, epoch: EpochCompleted) -> PackedEpochs:
        """One epoch, whose steps these are."""
        block = cls(epoch.run, epoch.epoch, steps.first_step, len(steps.losses))
        block.add(steps, epoch)
        return block

    def can_add(self, steps: StepsCompleted, epoch: EpochCompleted) -> bool:
        """Whether this epoch follows the others and has as many steps."""
        number, first_step = self.epoch + len(self), self.first_step + len(self.losses)
        if len(self) == MOST_EPOCHS:
            return False
        added = (epoch.run, epoch.epoch, steps.first_step, len(steps.losses))
        return added == (self.run, number, first_step, self.steps)

    def add(self, steps: StepsCompleted, epoch: EpochCompleted) -> None:
        """Add the epoch of these steps."""
        self.losses += finite(steps.losses)
        of_epoch = (steps.lr, epoch.lr, epoch.seconds, epoch.samples_per_second)
        for column, value in zip(self.columns.values(), of_epoch, strict=True):
            column.append(finite(value))
        for name in self.values.keys() | epoch.values.keys():
            before = self.where.get(name, "0" * len(self))
            self.where[name] = before + ("1" if name in epoch.values else "0")
        for name, value in epoch.values.items():
            self.values.setdefault(name, []).append(finite(value))
        self.best += "0"

    def mark_best(self, best: BestImproved) -> bool:
        """Note that the last epoch is the best so far, if its own values say by what."""
        number, step = self.epoch + len(self) - 1, self.first_step + len(self.losses) - 1
        is_last = (best.run, best.epoch, best.step) == (self.run, number, step)
        has_value = self.where.get(best.metric, "0")[-1] == "1"
        if not (is_last and has_value and self.metric in ("", best.metric)):
            return False
        if self.values[best.metric][-1] != best.value:
            return False
        self.best, self.metric = f"{self.best[:-1]}1", best.metric
        return True

    def can_extend(self, other: PackedEpochs) -> bool:
        """Whether the other epochs follow these, have as many steps, and fit into the same line."""
        number, first_step = self.epoch + len(self), self.first_step + len(self.losses)
        follows = (other.run, other.epoch, other.first_step) == (self.run, number, first_step)
        has_same_metric = not (self.metric and other.metric) or self.metric == other.metric
        fits = len(self) + len(other) <= MOST_EPOCHS
        return follows and other.steps == self.steps and has_same_metric and fits

    def extend(self, other: PackedEpochs) -> None:
        """Add the other epochs, which follow these."""
        missing, missing_there = "0" * len(self), "0" * len(other)
        self.losses += other.losses
        for name, column in self.columns.items():
            column.extend(other.columns[name])
        for name in {**self.values, **other.values}:
            signs = self.where.get(name, missing) + other.where.get(name, missing_there)
            self.where[name] = signs
            self.values.setdefault(name, []).extend(other.values.get(name, []))
        self.best, self.metric = self.best + other.best, self.metric or other.metric

    # The line in the file

    def to_fields(self) -> dict[str, Any]:
        """The fields of the line, as JSON can hold them."""
        everywhere = "1" * len(self)
        return {
            "run": self.run,
            "epoch": self.epoch,
            "first_step": self.first_step,
            "steps": self.steps,
            "losses": self.losses,
            **{name: _packed(column) for name, column in self.columns.items()},
            "values": {
                name: _AS_LOSSES if column == self.losses else _packed(column)
                for name, column in self.values.items()
            },
            "where": {n: signs for n, signs in self.where.items() if signs != everywhere},
            "best": self.best,
            "metric": self.metric,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> PackedEpochs:
        """The epochs of the fields of a line. Raises KeyError, TypeError, ValueError,
        AttributeError or OverflowError when they are damaged.
        """
        packed = cls(
            str(fields["run"]), *(int(fields[n]) for n in ("epoch", "first_step", "steps"))
        )
        packed.losses, packed.best = fields["losses"], str(fields["best"])
        packed.metric, count = str(fields["metric"]), len(packed.best)
        if count > MOST_EPOCHS or len(fields["values"]) > MOST_VALUES:
            raise ValueError
        for name in _COLUMNS:
            packed.columns[name] = _unpacked(fields[name], count)
        for name, column in fields["values"].items():
            signs = str(fields["where"].get(name, "1" * count))
            values = packed.losses if column == _AS_LOSSES else column
            packed.values[name] = _unpacked(values, signs.count("1"))
            packed.where[name] = signs
        if not packed._is_sound():
            raise ValueError
        return packed

    def _is_sound(self) -> bool:
        signs = [self.best, *self.where.values()]
        columns = [self.losses, *self.columns.values(), *self.values.values()]
        return (
            isinstance(self.losses, list)
            and self.steps > 0
            and len(self) > 0
            and len(self.losses) == self.steps * len(self)
            and all(len(each) == len(self) and not each.strip("01") for each in signs)
            and ("1" not in self.best or self.metric in self.values)
            and all(set(map(type, column)) <= _NUMBERS for column in columns)
        )

    # What they stand for

    def spread(self, name: str) -> list[float | None]:
        """The value of each epoch; None where it has none."""
        if "0" not in self.where[name]:
            return self.values[name]
        values = iter(self.values[name])
        return [next(values) if sign == "1" else None for sign in self.where[name]]

    @property
    def last_epoch(self) -> int:
        """The number of the last epoch."""
        return self.epoch + len(self) - 1

    @property
    def last_step(self) -> int:
        """The number of the last epoch's last step."""
        return self.first_step + self.steps * len(self) - 1

    @property
    def last_best(self) -> BestImproved | None:
        """The last time that an epoch was the best so far; None if none of these was."""
        place = self.best.rfind("1")
        if place < 0:
            return None
        return BestImproved(
            run=self.run,
            epoch=self.epoch + place,
            step=self.first_step + (place + 1) * self.steps - 1,
            metric=self.metric,
            value=self.spread(self.metric)[place] or 0.0,
        )

    def events(self, wanted: Callable[[int], bool] = lambda epoch: True) -> Iterator[Event]:
        """The events that these epochs were packed from; only those of the `wanted` epochs."""
        losses = numbers(self.losses)
        columns = [numbers(column) for column in self.columns.values()]
        values = {name: numbers(self.spread(name)) for name in self.values}
        for place, epoch in enumerate(range(self.epoch, self.epoch + len(self))):
            if not wanted(epoch):
                continue
            first = self.first_step + place * self.steps
            lr, lr_after, seconds, samples_per_second = (column[place] for column in columns)
            yield StepsCompleted(
                run=self.run,
                epoch=epoch,
                first_step=first,
                lr=lr,
                losses=tuple(losses[place * self.steps : (place + 1) * self.steps]),
            )
            last = first + self.steps - 1
            measured = {n: c[place] for n, c in values.items() if self.where[n][place] == "1"}
            yield EpochCompleted(
                run=self.run,
                epoch=epoch,
                step=last,
                lr=lr_after,
                seconds=seconds,
                samples_per_second=samples_per_second,
                values=measured,
            )
            if self.best[place] == "1":
                yield BestImproved(
                    run=self.run,
                    epoch=epoch,
                    step=last,
                    metric=self.metric,
                    value=measured.get(self.metric, math.nan),
                )


#: The columns besides losses and values: the lr of an epoch's first step, that after it, ...
_COLUMNS = ("lr", "lr_after", "seconds", "samples_per_second")

_NUMBERS = {int, float, type(None)}


def _packed(column: Sequence[Any]) -> Any:
    """A column, or the one value that all of it is."""
    return column[0] if len(column) > 1 and column.count(column[0]) == len(column) else column


def _unpacked(packed: Any, count: int) -> list[Any]:
    column = packed if isinstance(packed, list) else [packed] * count
    if len(column) != count:
        raise ValueError
    return column


def numbers(column: Sequence[float | None]) -> array[float]:
    """Numbers as they are; what was not finite stands as null in the file."""
    try:
        return array("d", column)  # mostly all of them are finite  # pyright: ignore[reportCallIssue, reportArgumentType]
    except TypeError:
        return array("d", [math.nan if value is None else value for value in column])
