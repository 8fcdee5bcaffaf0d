"""The application: command line, headless training and the terminal app.

Importing it makes tutorch's own `datasets` and `models` the ones that are found: an installed
wheel keeps them in `tui_app/_top`, a checkout beside this folder. Both names are common (Hugging
Face's `datasets` is on many GPU machines), so the folder goes first on the path, and a foreign
package that was imported earlier is named instead of being used by mistake.
"""

import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
_top = _here / "_top" if (_here / "_top").is_dir() else _here.parent

for _name in ("datasets", "models"):
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
