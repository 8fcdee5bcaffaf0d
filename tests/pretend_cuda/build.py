"""Builds the pretend CUDA, once for each version of its sources, of the headers and of torch."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

SOURCES = Path(__file__).resolve().parent / "library"

#: Built libraries, each in a folder of its own.
CACHE = SOURCES.parents[2] / ".pytest_cache" / "pretend_cuda"

#: The file that tells CUDA's version, and what the library includes.
_HEADER = "cuda_runtime_api.h"

#: What torch's NVRTC asks the loader for. A library that is loaded under this name is taken for it.
_SONAME = "libcuda.so.1"

#: The versions of CUDA whose functions the library imitates: others have other arguments.
_MAJORS = (12, 13)

#: An older torch leaves its allocator in the middle of a capture that broke off: it then keeps all
#: memory. 2.4 does, 2.11 doesn't.
_OLDEST_TORCH = (2, 11)

#: Seconds that a compiler may take: it needs two on an idle machine.
_LONGEST = 120.0


class Unavailable(Exception):
    """The pretend CUDA can't be built here; the text says why."""


@dataclass(frozen=True)
class Tools:
    """What builds the library: a compiler, the folder of CUDA's headers, torch's version."""

    compiler: str
    headers: Path
    torch: str


def build() -> Path:
    """The library's file, built unless it is there. Raises Unavailable."""
    tools = find_tools()
    file = CACHE / _key(tools) / _SONAME
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"there is no place for it: {error}") from error
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            _compile(tools, file)
    return file


def find_tools() -> Tools:
    """What is needed to build. Raises Unavailable."""
    if sys.platform != "linux":
        raise Unavailable("the pretend CUDA is loaded by Linux's loader")
    version, cuda = _torch_versions()
    if cuda is None or int(cuda.split(".")[0]) not in _MAJORS:
        raise Unavailable(f"torch {version} is no build for CUDA {' or '.join(map(str, _MAJORS))}")
    if tuple(map(int, version.split(".")[:2])) < _OLDEST_TORCH:
        raise Unavailable(f"torch {version} doesn't recover from a capture that broke off")
    compiler = shutil.which(os.environ.get("CXX", "")) or shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        raise Unavailable("there is no C++ compiler")
    for folder in _header_folders():
        if _cuda_version(folder / _HEADER) == cuda:
            return Tools(compiler, folder, version)
    raise Unavailable(f"there are no headers of CUDA {cuda}")


def _torch_versions() -> tuple[str, str | None]:
    """Torch's version and its CUDA's, without importing it."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise Unavailable("torch isn't installed")
    versions = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
    return str(versions["__version__"]), versions["cuda"]


def _header_folders() -> Iterator[Path]:
    """Where CUDA's headers may be: those that came with torch, then a toolkit's."""
    spec = importlib.util.find_spec("nvidia")
    for wheels in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(wheels).glob("*/include"))
    for toolkit in (os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        if toolkit:
            yield Path(toolkit) / "include"


def _cuda_version(header: Path) -> str:
    """The version that a header is of, as torch writes it; empty if there is none."""
    if not header.is_file():
        return ""
    found = re.search(r"#define\s+CUDART_VERSION\s+(\d+)", header.read_text(errors="replace"))
    return f"{int(found[1]) // 1000}.{int(found[1]) % 1000 // 10}" if found else ""


def _key(tools: Tools) -> str:
    """Names what the library is built of and with."""
    content = hashlib.sha256(f"{tools} {_command(tools, Path())}".encode())
    for source in sorted(SOURCES.rglob("*.*")):
        content.update(source.read_bytes())
    return content.hexdigest()[:16]


def _compile(tools: Tools, file: Path) -> None:
    # As one unit, in two seconds: each file alone would include the same headers.
    unit = "".join(f'#include "{source}"\n' for source in sorted(SOURCES.glob("*.cpp")))
    unfinished = file.with_suffix(".unfinished")
    done = subprocess.run(
        _command(tools, unfinished),
        input=unit,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
    )
    if done.returncode:
        raise RuntimeError(f"the pretend CUDA doesn't compile:\n{done.stderr}")
    unfinished.replace(file)


def _command(tools: Tools, file: Path) -> list[str]:
    return [
        *(tools.compiler, "-std=c++17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden"),
        *("-isystem", str(tools.headers)),
        # The stand-in for a header that torch's wheels lack is looked for last.
        *("-idirafter", str(SOURCES)),
        *("-x", "c++", "-", "-o", str(file)),
        *(f"-Wl,-soname,{_SONAME}", "-ldl", "-pthread"),
    ]
