"""What can go wrong with a run, as exceptions whose text is written for the person who runs it."""


class TrainingFailed(Exception):
    """A step raised what nobody foresaw, such as an error in a lecture of one's own."""


class Cancelled(Exception):
    """The program was to stop while it prepared something, and ends with `exit_code`."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class DeviceUnavailable(Exception):
    """The device isn't there, doesn't answer, or has no memory left."""


class OutOfMemory(Exception):
    """The device has too little memory for a batch."""

    def __init__(self) -> None:
        super().__init__(
            "the device is out of memory: try a smaller --batch-size, --precision bf16, or "
            "--device cpu"
        )


class WorkerDied(Exception):
    """A process that fetched batches beside training is gone."""


class DamagedRun(Exception):
    """A file of a run folder can't be used. The text names it and says what to do."""


class SourceChanged(Exception):
    """The user's own file isn't what a run was trained with. The text says how to choose."""


class UnknownRun(Exception):
    """No run, or more than one, goes by that name."""


class RunLocked(Exception):
    """Another process is training in this run folder."""


class RunFinished(Exception):
    """There is nothing left to train in this run."""


class RunsFolderUnwritable(Exception):
    """No run folder can be made where the runs belong."""
