"""The command line: which command is meant, and how a failure ends the program."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.streams import discard_output, stdout_for_data
from tui_app.version import __version__

#: Every command, and what it does. Each is a module of tui_app.commands with `main(argv) -> int`.
COMMANDS = {
    "lectures": "list the lectures",
    "runs": "list the runs",
    "show": "show one run: its settings, its epochs, its best model",
    "resume": "go on with a run exactly where it stopped, or train it further",
    "attach": "watch and steer a run that another program trains",
    "predict": "ask the best model of a run",
    "evaluate": "measure the best model of a run again",
    "export": "write a run as one Python script that needs no tutorch",
    "data": "list, fetch and verify data sets",
    "new": "write a lecture file of your own to start from",
    "doctor": "look over versions, devices, threads and data",
}

_HELP = """\
usage: tutorch [LECTURE] [options]
       tutorch --no-tui [LECTURE] [options]
       tutorch COMMAND ...

Train the lectures of 《PyTorch深度学习实践》 in a terminal.

LECTURE is any unambiguous part of a name (05, softmax) or the path of a file of your own;
without one it is lecture_09_softmax_classifier. RUN is an id that `tutorch runs` shows, a path,
a unique part of a name, or `last`.

commands
{commands}

options
  --no-tui              train right here, without the app
  --json                the events as JSON lines on stdout, and nothing else there
  --quiet               print no progress
  --sweep FIELD=V1,V2   one run per value, with a table at the end (repeatable: the product)
  --help, --version

`tutorch LECTURE --help` shows the options of a lecture: --lr, --epochs, --dataset, --device, ...
`tutorch COMMAND --help` shows those of a command.
"""


def run(argv: Sequence[str]) -> int:
    """Run the program with `argv`; its exit code."""
    from tui_app.terminal.printing import encode_streams

    encode_streams()
    try:
        with stdout_for_data() if "--json" in argv else nullcontext():
            exit_code = _run(argv)
        if exit_code == ExitCode.DONE:  # else the more important has been said
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has gone (`| head`): nobody is left to be told
        exit_code = ExitCode.DONE
    except OSError as error:
        from tui_app.terminal.printing import print_to_stderr

        print_to_stderr(f"standard output: {error.strerror}")
        exit_code = ExitCode.FAILED
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # what is left in it would fail once more when Python ends
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


def _call(command: str, argv: Sequence[str]) -> int:
    from tui_app.terminal.printing import print_to_stderr
    from tui_app.training.library_warnings import warnings_noted

    try:
        with warnings_noted(print_to_stderr):
            module = importlib.import_module(f"tui_app.commands.{command}")
            return module.main(list(argv))
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, SystemExit) as error:
        from models.user_files.error_location import ends_program

        if not ends_program(error):
            return ExitCode.INTERRUPTED
        from models.user_files.error_hints import explain as explain_mistake

        print_to_stderr(explain_mistake(error))
        return ExitCode.FAILED
    except Exception as error:  # what is nobody's but ours is raised again
        from tui_app.commands.option_parser import ParserDone

        if isinstance(error, ParserDone):
            return error.exit_code
        from tui_app.monitoring.failures import describe_failure  # puts off the loading of numpy

        failure = describe_failure(_with_nearest_command(error) if command == "train" else error)
        if failure is None:
            raise
        print_to_stderr(failure[0])
        return failure[1]


def _with_nearest_command(error: Exception) -> Exception:
    """The same error, but for a word that is neither a lecture nor a command one that names the
    nearest of both.
    """
    from models import UnknownLecture

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
    """The commands that begin with the word, or else the one that is most like it."""
    beginning = [name for name in COMMANDS if len(word) > 1 and name.startswith(word)]
    return beginning or difflib.get_close_matches(word, [*COMMANDS, "train"], n=1)
