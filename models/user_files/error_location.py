"""Finds where in the user's code an error was raised, and tells which code is the user's.

tutorch calls the user's lecture file, which calls torch. Of all these frames, an error message
should name those in the user's code.
"""

from __future__ import annotations

import ast
import linecache
import signal
import site
import sysconfig
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from models.user_files.parsing import parse


@dataclass(frozen=True)
class CodeLocation:
    """A line of a file, and its function."""

    file: Path
    line: int
    function: str

    @property
    def text(self) -> str:
        """The line's text without indentation; empty if the file can't be read."""
        return linecache.getline(str(self.file), self.line).strip()

    def __str__(self) -> str:
        inside = "" if self.function.startswith("<") else f", in {self.function}"
        return f"{self.file.name} line {self.line}{inside}"


def locate_error(error: BaseException) -> CodeLocation | None:
    """The innermost line of the user's code in the traceback of `error`; None if there is none."""
    if isinstance(error, SyntaxError) and error.filename and is_user_code(error.filename):
        return CodeLocation(Path(error.filename), error.lineno or 1, "<module>")
    places = [_place(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    return next((p for p in reversed(places) if is_user_code(str(p.file))), None)


def locate_declaration(path: Path, field: str) -> str:
    """Where a lecture's file declares `field`: `my_net.py line 14`; just the file if it doesn't."""
    try:
        tree = parse(path.read_bytes(), filename=str(path))
    except (OSError, SyntaxError, ValueError):
        return path.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Lecture"):
            for keyword in node.keywords:
                if keyword.arg == field:
                    return f"{path.name} line {keyword.value.lineno}"
    return path.name


def ends_program(error: BaseException) -> bool:
    """Whether `error` would end the program without a request of the user's: the code called
    sys.exit(), or raised a KeyboardInterrupt that doesn't come from Ctrl-C.
    """
    if isinstance(error, KeyboardInterrupt):
        return signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    return isinstance(error, SystemExit)


def user_traceback(error: BaseException) -> list[str]:
    """The lines of the traceback, from the first frame of the user's code; all if there is none.

    This omits the frames that called the user's code (tutorch, the import system) and keeps those
    that it called (torch).
    """
    first = error.__traceback__
    while first is not None and not is_user_code(first.tb_frame.f_code.co_filename):
        first = first.tb_next
    trace = first or error.__traceback__
    return "".join(traceback.format_exception(type(error), error, trace)).splitlines()


def is_user_code(filename: str) -> bool:
    """Whether a code object's file is the user's: not a library's, and not tutorch's."""
    if not filename or filename.startswith("<"):
        return False
    path = Path(filename)
    return not any(path.is_relative_to(folder) for folder in _not_the_users())


def _place(frame: FrameType, line: int | None) -> CodeLocation:
    code = frame.f_code
    return CodeLocation(Path(code.co_filename), line or code.co_firstlineno, code.co_name)


@cache
def _not_the_users() -> tuple[Path, ...]:
    """The folders of the standard library, of installed packages, and of tutorch itself."""
    schemes = sysconfig.get_paths()
    installed = [schemes[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    installed += [*site.getsitepackages(), site.getusersitepackages()]
    top = Path(__file__).resolve().parents[2]
    own = [top / name for name in ("models", "datasets", "tui_app", "tests")]
    return tuple({*map(Path, installed), *own})
