"""The application: command line, headless training and the terminal app.

Importing it lets `import datasets` and `import models` find tutorch's packages: an installed wheel
keeps them in `tui_app/_top`, a checkout beside this folder. Both names are common (Hugging Face's
`datasets` is on many GPU machines), so the folder goes first on the path, and another package that
was imported earlier is an error.

Any other module is imported from that folder only if it is found nowhere else: users write files
into a checkout, and one called torch.py must not replace torch.
"""

import sys

# `python -m tui_app` puts the working folder first, which may have a user's torch.py or pathlib.py.
# While Python looks for this package, argv has -m in the place of the program's name.
if (
    sys.argv[:1] == ["-m"]
    and {"tui_app", "-mtui_app"} & {*sys.orig_argv}
    and not sys.flags.safe_path
):
    del sys.path[0]

from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_here = Path(__file__).resolve().parent
_top = _here / "_top" if (_here / "_top").is_dir() else _here.parent
_OWN = ("datasets", "models")

for _name in _OWN:
    _loaded = sys.modules.get(_name)
    if _loaded is None:
        continue
    _file = getattr(_loaded, "__file__", None) or next(iter(getattr(_loaded, "__path__", [])), "?")
    if not Path(_file).resolve().is_relative_to(_top):
        raise ImportError(
            f"tutorch needs its own package {_name!r}, but another one is already loaded "
            f"from {_file}. Import tui_app first, or run tutorch as a program of its own."
        )

if sys.path[:1] != [str(_top)]:
    sys.path.insert(0, str(_top))


class _OwnPackages:
    """Finds tutorch's packages in their folder, and all others outside of it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the module's spec, or None for the next finder."""
        if path is not None:
            return None
        if name in _OWN:
            return PathFinder.find_spec(name, [str(_top)])
        return PathFinder.find_spec(name, [each for each in sys.path if each != str(_top)])


if PathFinder in sys.meta_path:
    sys.meta_path.insert(sys.meta_path.index(PathFinder), _OwnPackages)
