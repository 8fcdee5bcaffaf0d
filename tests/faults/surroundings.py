"""Starts processes in bad surroundings.

Their streams are closed, full or without a reader, SIGHUP is blocked, or the cache is full.
"""

from __future__ import annotations

import os
import resource
import signal

import datasets.own.mapped

#: Bytes that no file of a full cache may grow beyond.
CACHE = 1 << 19


def change(twist: str) -> None:
    """Bring about what the first word of `twist` names, with the other words as its arguments."""
    kind, *words = twist.split()
    if kind == "reader":
        _write_to_reader(*words)
    if kind == "streams":
        for number, state in zip((1, 2), words, strict=True):
            _spoil(number, state)
    if kind == "deaf":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    if kind in ("cache", "limit"):
        datasets.own.mapped.IN_MEMORY = 0
    if kind == "cache":
        os.environ["TUTORCH_CACHE_DIR"] = words[0]
    if kind == "limit":
        os.environ["TUTORCH_CACHE_DIR"] = words[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (CACHE, resource.RLIM_INFINITY))


def _write_to_reader(number: str) -> None:
    """Let 1 and 2 lead to a program that takes so many bytes, and copies them to where 1 led."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.dup2(reading, 0)
        os.closerange(3, 1024)
        os.execvp("head", ["head", "-c", number])
    os.dup2(writing, 1)
    os.dup2(writing, 2)
    os.close(reading)
    os.close(writing)


def _spoil(number: int, state: str) -> None:
    """Let a stream be `closed` or `full`; a `whole` one stays as it is."""
    if state == "closed":
        os.close(number)
    if state == "full":
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, number)
        os.close(full)
