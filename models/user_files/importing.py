"""Imports a user's lecture file and the local modules beside it as a separate package.

The package is named by path and digest (`tutorch_user_<12 hex digits>`), so a user's `helper` or
`random` never gets that name in sys.modules. Files of the same name don't collide, and a changed
file is a new package. The code is compiled from the bytes that were read, without bytecode caches.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import io
import linecache
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import PurePosixPath
from types import CodeType, ModuleType
from typing import Any

from models.user_files.source import RESERVED, Source

_PREFIX = "tutorch_user_"

#: The sources that were loaded, by the name of their package.
_sources: dict[str, Source] = {}


def load_module(source: Source) -> ModuleType:
    """Import the module of the lecture's file, once for each path and digest.

    Raises any error of the user's code.
    """
    key = hashlib.sha256(f"{source.path}\n{source.digest}".encode(errors="surrogateescape"))
    package = f"{_PREFIX}{key.hexdigest()[:12]}"
    _sources.setdefault(package, source)
    return importlib.import_module(f"{package}.{_main_module(source)}")


def _main_module(source: Source) -> str:
    """The module name of the lecture's file. A dot becomes `-`, which no other module has."""
    return source.main.removesuffix(".py").replace(".", "-")


def _file_of(source: Source, module: str) -> str | None:
    """The name of a module's file; empty for a package without one, None if there is no module."""
    if module in ("", _main_module(source)):
        return source.main if module else ""
    name = module.replace(".", "/")
    for file in (f"{name}/__init__.py", f"{name}.py"):
        if file in source.files:
            return file
    return "" if any(file.startswith(f"{name}/") for file in source.files) else None


class _Finder(MetaPathFinder):
    """Finds the modules of a user's package, and no others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, module = fullname.partition(".")
        source = _sources.get(package)
        file = _file_of(source, module) if source is not None else None
        if source is None or file is None:
            return None
        loader = _Loader(package, source, file)
        if not file:
            return spec_from_loader(fullname, loader, is_package=True)
        spec = spec_from_loader(
            fullname, loader, origin=str(source.folder / file), is_package=loader.is_package("")
        )
        if spec is not None:
            spec.has_location = True
        return spec


class _Loader(InspectLoader):
    """Runs one file of a source; for a package without a file it runs nothing."""

    def __init__(self, package: str, source: Source, file: str) -> None:
        self._package = package
        self._source = source
        self._file = file

    def is_package(self, fullname: str) -> bool:
        return not self._file or PurePosixPath(self._file).name == "__init__.py"

    def get_source(self, fullname: str) -> str:
        return self._source.text_of(self._file) if self._file else ""

    def get_code(self, fullname: str) -> CodeType | None:
        data = self._source.files[self._file] if self._file else b""
        return compile(data, str(self._source.folder / self._file), "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        if not self._file:
            return
        code = self.get_code(module.__name__)
        assert code is not None
        # Tracebacks and fields' docstrings show the lines that run, even if the file changed since.
        lines = io.StringIO(self.get_source(module.__name__)).readlines()
        size = len(self._source.files[self._file])
        linecache.cache[code.co_filename] = (size, None, lines, code.co_filename)
        vars(module)["__builtins__"] = _builtins(self._package, self._source)
        exec(code, vars(module))


def _builtins(package: str, source: Source) -> dict[str, Any]:
    """Python's builtins, with an __import__ that finds the local modules first."""

    def import_local_first(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  as Python's own has it
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        if level or top in RESERVED or _file_of(source, top) is None:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = builtins.__import__(f"{package}.{name}", globals, locals, fromlist or (), 0)
        return module if fromlist else sys.modules[f"{package}.{top}"]

    return {**vars(builtins), "__import__": import_local_first}


sys.meta_path.append(_Finder())
