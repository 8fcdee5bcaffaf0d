"""Runs the command that the command line names, and turns failures into exit codes."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from models import UnknownLecture
from models.user_files.error_hints import explain as explain_mistake
from models.user_files.error_location import ends_program
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.printing import encode_streams, print_to_stderr
from tui_app.terminal.streams import discard_output, stdout_for_data
from tui_app.training.library_warnings import warnings_noted
from tui_app.version import __version__

#: What each command does. Each is a module of tui_app.commands with `main(argv) -> int`.
COMMANDS = {
    "lectures": "list the lectures",
    "runs": "list the runs",
    "show": "show one run: its settings, its epochs, its best model",
    "lr-find": "find a learning rate: a chart of the loss against it, and a suggestion",
    "submit": "let a SLURM cluster train a run",
    "resume": "continue a run exactly where it stopped, or train it further",
    "attach": "watch and control a run that another program trains",
    "search": "search for the best hyperparameters of a lecture",
    "studies": "list the searches",
    "study": "show one search: its best trial, its trials, which settings matter",
    "predict": "predict with the best model of a run",
    "evaluate": "measure the best model of a run again",
    "export": "write a run as one Python script that needs no tutorch",
    "data": "list, fetch and verify data sets",
    "new": "write a lecture file for a net of your own",
    "doctor": "check versions, devices, threads and data",
}

_HELP = """\
usage: tutorch [LECTURE] [options]
       tutorch --no-tui [LECTURE] [options]
       tutorch COMMAND ...

Train the lectures of 《PyTorch深度学习实践》 in a terminal.

LECTURE is any unambiguous part of a name (05, softmax) or the path of your own file; the default
is lecture_09_softmax_classifier. RUN is an id that `tutorch runs` shows, a path,
a unique part of a name, or `last`.

commands
{commands}

options
  --no-tui              train without the app
  --json                print the events as JSON lines on stdout, and nothing else there
  --quiet               print no progress
  --sweep FIELD=V1,V2   train one run per value, then print a table (repeatable)
  --help, --version

`tutorch LECTURE --help` shows the options of a lecture: --lr, --epochs, --dataset, --device, ...
`tutorch COMMAND --help` shows those of a command.
"""


def run(argv: Sequence[str]) -> int:
    """Run the program with `argv` and return its exit code."""
    encode_streams()
    try:
        with stdout_for_data() if "--json" in argv else nullcontext():
            exit_code = _run(argv)
        if exit_code == ExitCode.DONE:  # else a more important error was printed
            sys.stdout.flush()
    except BrokenPipeError:  # what read the output has ended (`| head`)
        exit_code = ExitCode.DONE
    except OSError as error:
        print_to_stderr(f"standard output: {error.strerror}")
        exit_code = ExitCode.FAILED
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # its buffered text would fail again when Python exits
            discard_output(stream)
    return exit_code


def _run(argv: Sequence[str]) -> int:
    if list(argv) in (["--help"], ["-h"]):
        commands = "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items())
        sys.stdout.write(_HELP.format(commands=commands))
        return ExitCode.DONE
    if list(argv) == ["--version"]:
        sys.stdout.write(f"tutorch {__version__}\n")
        return ExitCode.DONE
    name, rest = (argv[0], argv[1:]) if argv and argv[0] in COMMANDS else ("train", argv)
    return _call(name, rest)


def trains(argv: Sequence[str]) -> bool:
    """Whether `argv` trains, which several ranks do together, or say why they can't."""
    is_about = list(argv) in (["--help"], ["-h"], ["--version"])
    return not is_about and (not argv or argv[0] in ("resume", "search") or argv[0] not in COMMANDS)


def _call(command: str, argv: Sequence[str]) -> int:
    try:
        with warnings_noted(print_to_stderr):
            module = importlib.import_module(f"tui_app.commands.{command.replace('-', '_')}")
            return module.main(list(argv))
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, SystemExit) as error:
        if not ends_program(error):
            return ExitCode.INTERRUPTED
        print_to_stderr(explain_mistake(error))
        return ExitCode.FAILED
    except Exception as error:  # a bug of tutorch is raised again
        from tui_app.commands.option_parser import ParserDone  # puts off tyro and numpy

        if isinstance(error, ParserDone):
            return error.exit_code
        from tui_app.monitoring.failures import describe_failure  # puts off numpy

        failure = describe_failure(_with_nearest_command(error) if command == "train" else error)
        if failure is None:
            raise
        print_to_stderr(failure[0])
        return failure[1]


def _with_nearest_command(error: Exception) -> Exception:
    """Return an error that names the nearest lectures and commands for an unknown word; else the
    same error.
    """
    if not isinstance(error, UnknownLecture) or not error.name:
        return error
    word = error.name
    if word in COMMANDS:
        return UnknownLecture(f"a command comes first: `tutorch {word} ...`")
    commands = _nearest(word)
    if commands == ["train"]:
        return UnknownLecture(
            f"no command is called {word!r}: name the lecture to train, as in `tutorch softmax`"
        )
    near = [*(f"`tutorch {name}`" for name in commands), *error.near]
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else "`tutorch --help` lists the commands, `tutorch lectures` the lectures"
    )
    return UnknownLecture(f"no command or lecture is called {word[:60]!r}: {hint}")


def _nearest(word: str) -> list[str]:
    """Return the commands that start with the word, or else the most similar one."""
    beginning = [name for name in COMMANDS if len(word) > 1 and name.startswith(word)]
    return beginning or difflib.get_close_matches(word, [*COMMANDS, "train"], n=1)
