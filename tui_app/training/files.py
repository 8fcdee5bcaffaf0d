"""Writing files so that a reader, or a crash at any moment, finds the old content or the new."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tui_app.training.posix import sync_folder


def replace_file(path: Path, write: Callable[[IO[bytes]], object], *, durable: bool = True) -> None:
    """Write a temporary file beside `path`, bring it to the disk, and put it in `path`'s place.

    Without `durable` a power cut may take the new content back; no reader ever sees half of it.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_json(path: Path, values: Any, *, durable: bool = True) -> None:
    """Replace `path` with `values` as indented JSON in UTF-8."""
    text = json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    replace_file(path, lambda file: file.write(text.encode()), durable=durable)
