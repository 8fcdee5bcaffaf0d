"""Describes events as lines of text, for log.txt and plain terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from datasets.reading.progress import Progress
from tui_app.runs.events import (
    PRUNED,
    Advised,
    CheckpointSaved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    ThreadsChanged,
    Warned,
)
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.text.quantities import counted, format_seconds, format_value

#: The most lines for epochs in the log of a run.
_EPOCH_LINES = 500


class LogText:
    """Describes the events of one run for its log, and skips most epochs of a very long run."""

    def __init__(self) -> None:
        self._epochs = 0

    def __call__(self, event: Record) -> Iterator[str]:
        """The lines of the event, or of packed epochs: one, several or none."""
        if isinstance(event, RunStarted):
            self._epochs = event.epochs
        for each in logged_events(event, self._epochs):
            text = describe_event(each)
            if text is not None:
                yield text


def logged_events(event: Record, epochs: int) -> Iterator[Event]:
    """The event, or those of packed epochs, that the log of a run of `epochs` epochs may show."""
    every = max(1, epochs // _EPOCH_LINES)
    return chosen_events(event, lambda epoch: epoch in (1, epochs) or epoch % every == 0)


def chosen_events(event: Record, wanted: Callable[[int], bool]) -> Iterator[Event]:
    """The event, or those of packed epochs, without the ends of epochs that aren't `wanted`."""
    if isinstance(event, PackedEpochs):
        yield from event.events(wanted)
    elif not isinstance(event, EpochCompleted) or wanted(event.epoch):
        yield event


def describe_event(event: Event) -> str | None:
    """The event as a line of text; None for events that aren't shown."""
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
        case ThreadsChanged():
            threads = counted(event.threads, "thread")
            return f"{threads} from step {event.first_step} on: {event.reason}"
        case RunCompleted():
            return outcome_text(event)
    return None


def outcome_text(event: RunCompleted) -> str:
    """How a run ended: `completed: all 20 epochs trained`, `stopped by you`."""
    if event.reason.startswith((event.state, PRUNED)):
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
    start = f"continues after epoch {event.epoch}, step {event.step}" if event.step else "starts"
    threads, device = counted(event.threads, "thread"), event.device
    if event.devices > 1:
        threads += " each"
        device = f"{event.devices} x {device.partition(':')[0]}"
    if event.threads_reason:
        threads += f" ({event.threads_reason})"
    if event.device_reason:
        device += f" ({event.device_reason})"
    return (
        f"{event.lecture} on {event.dataset} {start}: "
        f"{counted(event.parameters, 'parameter')}, {sizes} {samples}, "
        f"{counted(event.steps_per_epoch, 'step')} an epoch, {counted(event.epochs, 'epoch')}, "
        f"on {device} with {threads}; "
        f"a loss is the {event.reduction} over its samples"
    )


def loading_detail(progress: Progress) -> str:
    """The progress of a step: `34 % at 1.2 MB/s, 10 s left`, or `900 of 1,200, 3 s left`."""
    left = f", {format_seconds(progress.seconds_left)} left" if progress.seconds_left else ""
    if progress.unit != "bytes":
        total = f" of {progress.total:,}" if progress.total else ""
        return f"{progress.done:,}{total}{left}"
    share = f"{100 * progress.done / progress.total:.0f} %" if progress.total else ""
    speed = f" at {progress.rate / 1e6:.1f} MB/s" if progress.rate else ""
    return f"{share}{speed}{left}"
