"""Runs one check, in a process of its own, and writes its rows as they are found.

python -m tests.gpu.child CHECK ROWS DATA_DIR [rehearsal]
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.gpu.check import Check, Context, Row, error_row
from tests.gpu.rows import append_row


def main(check: Check, rows: Path, data_dir: Path, rehearsal: bool) -> None:
    """Run the check; an error of it is a row too."""
    # Raises SystemExit, so that a program on a terminal that the check started is ended with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        context = Context(data_dir, Path(scratch), rehearsal)
        for row in _rows(check, context):
            append_row(rows, check.name, row, time.monotonic() - started)


def _rows(check: Check, context: Context) -> Iterator[Row]:
    if check.missing:
        yield Row("all of it", f"needs {', '.join(check.missing)}: not installed", "n/a")
        return
    try:
        yield from check.function(context)
    except Exception as error:  # noqa: BLE001 # whatever it is, the other checks go on
        traceback.print_exc()
        yield error_row(error)


if __name__ == "__main__":
    main(Check(**json.loads(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), len(sys.argv) > 4)
