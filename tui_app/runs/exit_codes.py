"""Defines the program's exit codes."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Every way in which tutorch ends. Codes from 129 are 128 + the number of a signal."""

    DONE = 0  # also when a rule or a time limit ended training early
    FAILED = 1  # training failed or diverged, or a requirement was not met
    USAGE = 2
    DATA_UNAVAILABLE = 3
    DEVICE_UNAVAILABLE = 4  # or out of memory
    RUN_LOCKED = 5
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143
