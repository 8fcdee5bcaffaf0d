"""Print the lower bounds of pyproject.toml as constraints for pip: `x>=1.2` as `x==1.2`."""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
for requirement in [*project["dependencies"], *extras["search"], *extras["test"]]:
    if requirement.startswith("tutorch["):  # names another extra
        continue
    bound = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*>=\s*([0-9][^,;\s]*)", requirement)
    if bound is None:
        sys.exit(f"pyproject.toml: {requirement!r} has no lower bound")
    print(f"{bound[1]}=={bound[2]}")
