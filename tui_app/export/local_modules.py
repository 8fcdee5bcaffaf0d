"""Embeds in a script the local modules that a user's lecture imports."""

from __future__ import annotations

import inspect
from pathlib import PurePosixPath

import models.lecture
from models.lecture import Lecture
from tui_app.export.relative_imports import absolute_imports, dotted

_PART = '''
# The modules beside the lecture's file, by the names that they are imported by.

import importlib.abc
import importlib.machinery
import sys

LOCAL_MODULES = {{
{modules}
}}


class LocalModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a module from its text."""

    def find_spec(self, name, path=None, target=None):
        is_package = any(other.startswith(f"{{name}}.") for other in LOCAL_MODULES)
        if name in LOCAL_MODULES or is_package:
            return importlib.machinery.ModuleSpec(name, self, is_package=is_package)

    def exec_module(self, module):
        text = LOCAL_MODULES.get(module.__name__, "")
        exec(compile(text, f"<{{module.__name__}}>", "exec", dont_inherit=True), vars(module))


sys.meta_path.insert(0, LocalModules())
'''

#: Stands in for models.lecture, which a module may import and the script doesn't have.
_LECTURE = """\
from __future__ import annotations

class Hyperparameters:
    def __init__(self, *values, **words):
        vars(self).update(words)

DataSpec = ImageHyperparameters = Lecture = ParameterGroup = Hyperparameters
OnlyWith = Range = Activation = Hyperparameters

"""


def local_modules(lecture: Lecture) -> str:
    """The modules and the code that imports them; empty for a lecture of one file."""
    modules = _modules(lecture)
    if not modules:
        return ""
    if any("models.lecture" in text for text in modules.values()):
        modules["models.lecture"] = _LECTURE + inspect.getsource(models.lecture.activation)
    texts = "\n".join(f"    {name!r}: {_literal(text)}," for name, text in modules.items())
    return _PART.format(modules=texts)


def _modules(lecture: Lecture) -> dict[str, str]:
    """The text of each module but the lecture's, by its dotted name."""
    if lecture.source is None:
        return {}
    source = lecture.source
    return dict(_module(name, source.text_of(name)) for name in source.files if name != source.main)


def _module(file: str, text: str) -> tuple[str, str]:
    """The name and the text of the module in a file."""
    path = PurePosixPath(file).with_suffix("")
    parts = path.parent.parts if path.name == "__init__" else path.parts
    return dotted(parts), absolute_imports(text, path.parent.parts)


def _literal(text: str) -> str:
    """The text as an expression, with a line of it on each line."""
    lines = "".join(f"\n        {line!r}" for line in text.splitlines(keepends=True))
    return f"({lines}\n    )" if lines else "''"
