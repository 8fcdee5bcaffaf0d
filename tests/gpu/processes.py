"""Runs programs from within a check."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from tests.program import ROOT, environment


def output_of(words: Sequence[str]) -> str:
    """What a program prints on stdout; its stderr goes to the log.

    Raises RuntimeError, with the last line of stderr, if it fails.
    """
    done = subprocess.run(words, env=environment(), cwd=ROOT, capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    if done.returncode:
        *_, last = done.stderr.strip().splitlines() or [""]
        raise RuntimeError(f"exit code {done.returncode}: {last}")
    return done.stdout
