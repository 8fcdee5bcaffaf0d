"""What a person reads of a run: one sentence or line per event, for log.txt and plain terminals."""

from __future__ import annotations

import math
import unicodedata

from datasets.reading import Progress
from tui_app.training.events import (
    Advised,
    CheckpointSaved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    Warned,
)

#: Lines that a log has at most for the epochs of a run.
_EPOCH_LINES = 500


class Sparingly:
    """`narrate` for one run from its start; of very many epochs only some have a line."""

    def __init__(self) -> None:
        self._epochs = 0

    def __call__(self, event: Event) -> str | None:
        """The event's line, or None."""
        if isinstance(event, RunStarted):
            self._epochs = event.epochs
        return narrate(event) if is_told(event, self._epochs) else None


def is_told(event: Event, epochs: int) -> bool:
    """Whether the event has a line in the log of a run of so many epochs."""
    if not isinstance(event, EpochCompleted):
        return True
    return event.epoch in (1, epochs) or event.epoch % max(1, epochs // _EPOCH_LINES) == 0


def narrate(event: Event) -> str | None:
    """The event as a line of text, or None where nobody needs to read of it."""
    match event:
        case RunStarted():
            return _started(event)
        case EpochCompleted():
            values = "  ".join(format_value(name, value) for name, value in event.values.items())
            return f"epoch {event.epoch}  {values}  {format_seconds(event.seconds)}"
        case CheckpointSaved():
            return f"saved last.pt at step {event.step}"
        case Warned():
            return f"note: {event.text}"
        case Advised():
            return f"advice: {event.text}"
        case ControlApplied():
            return f"lr {event.lr:g} from step {event.first_step} on"
        case RunCompleted():
            return outcome(event)
    return None


def outcome(event: RunCompleted) -> str:
    """How a run ended: `completed: all 20 epochs trained`, `stopped by you`."""
    if event.reason.startswith(event.state):
        return event.reason
    return f"{event.state}: {event.reason}"


def _started(event: RunStarted) -> str:
    splits = {
        "train": event.train_size,
        "validation": event.validation_size,
        "test": event.test_size,
    }
    sizes = ", ".join(f"{size} {name}" for name, size in splits.items() if size or name == "train")
    samples = "sample" if sum(splits.values()) == 1 else "samples"
    start = f"goes on after epoch {event.epoch}, step {event.step}" if event.step else "begins"
    threads = counted(event.threads, "thread")
    if event.threads_reason:
        threads += f" ({event.threads_reason})"
    return (
        f"{event.lecture} on {event.dataset} {start}: "
        f"{counted(event.parameters, 'parameter')}, {sizes} {samples}, "
        f"{counted(event.steps_per_epoch, 'step')} an epoch, {counted(event.epochs, 'epoch')}, "
        f"on {event.device} with {threads}; "
        f"a loss is the {event.reduction} over its samples"
    )


def format_value(name: str, value: float | None) -> str:
    """A metric as it is shown: `test accuracy 97.62 %`, `train loss 0.0347`."""
    return f"{name.replace('_', ' ')} {format_number(name, value)}"


def format_number(name: str, value: float | None) -> str:
    """The number of a metric: an accuracy in per cent, a loss to four significant digits."""
    if value is None:
        return "not finite"
    return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:#.4g}"


def format_short(name: str, value: float) -> str:
    """A metric in at most twelve cells, with what it is: `97.50 %`, `loss 0.1396`."""
    if name.endswith("accuracy"):
        return format_number(name, value)
    return f"loss {short_loss(value)}"


def short_loss(value: float) -> str:
    """A loss in at most seven cells: `0.1396`, `0.00792`, `2.2e-12`, `0`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 0.1 <= abs(value) < 1e4:
        return f"{value:#.4g}"
    return f"{value:#.3g}" if 1e-3 <= abs(value) < 0.1 else f"{value:.1e}"


def format_seconds(seconds: float) -> str:
    """A duration as it is read: `0.3 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def loading_detail(progress: Progress) -> str:
    """How far a step is: `34 % at 1.2 MB/s, 10 s left`, or `900 of 1,200, 3 s left`."""
    left = f", {format_seconds(progress.seconds_left)} left" if progress.seconds_left else ""
    if progress.unit != "bytes":
        total = f" of {progress.total:,}" if progress.total else ""
        return f"{progress.done:,}{total}{left}"
    share = f"{100 * progress.done / progress.total:.0f} %" if progress.total else ""
    speed = f" at {progress.rate / 1e6:.1f} MB/s" if progress.rate else ""
    return f"{share}{speed}{left}"


def counted(count: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def printable(text: str) -> str:
    """`text` with everything a terminal would act upon (control and format characters) escaped."""
    return "".join(
        char if unicodedata.category(char)[0] != "C" else char.encode("unicode_escape").decode()
        for char in text
    )
