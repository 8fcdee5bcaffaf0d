"""`tutorch new NAME`: writes a template of a lecture file."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from models import lecture_names
from models.fields import InvalidValue
from models.user_files.source import RESERVED
from tui_app.commands.arguments import parse
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.printing import stderr_console

_TEMPLATE = '''\
"""What this net is about, in Markdown: the app shows it as the lesson.

## Try

    tutorch --no-tui {file}
    tutorch --no-tui {file} --sweep hidden=16,64,256
"""

from dataclasses import dataclass
from math import prod
from typing import Annotated

from torch import Tensor, nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class {name}Hyperparameters(Hyperparameters):
    """What can be set besides epochs, lr, optimizer, ... Each field becomes an option."""

    hidden: Annotated[int, Range(minimum=1)] = 64
    """Neurons of the hidden layer."""

    activation: Activation = "relu"
    """What comes after the hidden layer."""


class {name}(nn.Module):
    """`spec` says what the data are like: spec.input_shape, spec.outputs, spec.classes."""

    def __init__(self, spec: DataSpec, hyperparameters: {name}Hyperparameters) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(prod(spec.input_shape), hyperparameters.hidden),
            activation(hyperparameters.activation),
            nn.Linear(hyperparameters.hidden, spec.outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """A logit per class. No softmax here: the criterion has it."""
        return self.layers(x)


LECTURE = Lecture(
    title="{title}",
    title_zh="{title}",
    # The first is the default. `tutorch data` lists them; csv:FILE and folder:DIR always go.
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model={name},
    criterion=nn.CrossEntropyLoss,
    # The defaults of this net; any option on the command line goes before them.
    hyperparameters={name}Hyperparameters(lr=0.1, momentum=0.5, batch_size=64, epochs=10),
    # Other defaults for a data set, or beside a choice such as "optimizer=adam".
    overrides={{"mnist": {{"lr": 0.01}}}},
)
'''


@dataclass(kw_only=True)
class New:
    """Write a lecture file with comments, to start from."""

    name: tyro.conf.Positional[str]
    """The file's name: my_net makes ./my_net.py."""


def main(argv: Sequence[str]) -> int:
    """Write the file, and print its path."""
    arguments, _ = parse(New, argv)
    stem = arguments.name.removesuffix(".py")
    if not (stem.isidentifier() and stem.isascii()):
        raise InvalidValue(
            f"a file's name has only letters, digits and _, such as my_net: not {stem!r}"
        )
    _refuse_taken(stem)
    path = Path(f"{stem}.py")
    words = [word.capitalize() for word in stem.split("_") if word]
    text = _TEMPLATE.format(file=path, name="".join(words) or "Net", title=" ".join(words) or stem)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InvalidValue(f"{path} exists: choose another name") from None
    except OSError as error:
        raise InvalidValue(f"{path.absolute()} can't be written: {error.strerror}") from error
    stderr_console().print(f"train it   tutorch --no-tui {path}")
    sys.stdout.write(f"{path.absolute()}\n")
    return ExitCode.DONE


def _refuse_taken(stem: str) -> None:
    """Raise InvalidValue for a name that has a meaning already, in upper or lower case.

    Some file systems ignore the case.
    """
    taken = {name.lower(): name for name in (*RESERVED, *lecture_names(), *keyword.kwlist)}
    name = taken.get(stem.lower(), "")
    if name in lecture_names():
        title = name.split("_", 2)[2]
        raise InvalidValue(
            f"{name} is a lecture of the course: take another name, such as my_{title}"
        )
    if keyword.iskeyword(name):
        raise InvalidValue(f"{name} is a keyword of Python: take another name, such as my_{name}")
    if name:
        raise InvalidValue(
            f"a file {name}.py would replace the module {name} for programs in its folder: take "
            f"another name, such as my_{name.strip('_')}"
        )
