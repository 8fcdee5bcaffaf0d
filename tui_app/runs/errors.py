"""Exceptions about runs, with texts that the user reads."""


class TrainingFailed(Exception):
    """A step raised an unexpected error, such as one in a user's lecture."""


class Cancelled(Exception):
    """The program was stopped during preparation, and ends with `exit_code`."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class DeviceUnavailable(Exception):
    """The device doesn't exist, doesn't respond, or has no memory left."""


class OutOfMemory(Exception):
    """The device has too little memory for a batch."""

    def __init__(self) -> None:
        super().__init__(
            "the device is out of memory: try a smaller --batch-size, --precision bf16, or "
            "--device cpu"
        )


class WorkerDied(Exception):
    """A process that loaded batches in parallel has died."""


class RankFailed(Exception):
    """Another rank of a run on several devices has failed, and the run ends with `exit_code`."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class DamagedRun(Exception):
    """A file of a run folder can't be used. The text names the file."""


class UnrecordedStudy(DamagedRun):
    """A study records no settings: it isn't tutorch's, or its creator was killed in that moment."""


class SourceChanged(Exception):
    """The user's file differs from the run's copy. The text says how to choose one of them."""


class UnknownRun(Exception):
    """No run, or more than one, has that name."""


class RunLocked(Exception):
    """Another process is training in this run folder."""


class RunFinished(Exception):
    """All epochs of this run are trained."""


class RunsFolderUnwritable(Exception):
    """No run folder can be made in the runs folder."""


class StorageUnavailable(Exception):
    """The storage of a study can't be reached or written."""


class SubmissionFailed(Exception):
    """A cluster didn't accept a job."""


class UnknownStudy(Exception):
    """No study has that name."""
