"""Opens where a study is kept: a journal in the runs folder, a database, or Optuna's gRPC proxy."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from datasets.reading.paths import user_path
from models.fields import InvalidValue, fields_of
from tui_app.runs.errors import RunsFolderUnwritable, UnknownStudy
from tui_app.runs.files.run_files import is_there, refuse_irregular
from tui_app.runs.secrets import without_password
from tui_app.runs.settings.run_options import RunOptions
from tui_app.search.journal import open_journal
from tui_app.search.library import from_optuna

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

_FOLDER = "studies"
_SUFFIX = ".log"

#: The names of studies; a journal is called so.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

#: Attempts to open a database whose tables another program makes in this moment, and seconds to
#: wait after the first failure; longer after the next ones.
_ATTEMPTS = 5
_BETWEEN = 0.2


def check_study_name(name: str) -> str:
    """Return the name of a study. Raises InvalidValue for one that can't be a file's name."""
    if not _NAME.fullmatch(name):
        raise InvalidValue(
            "study: a name of letters, digits, '.', '_' and '-', at most 64 of them, not "
            f"{name[:80]!r}",
            "study",
        )
    return name


def default_study_name(lecture: str, vary: Iterable[str]) -> str:
    """Name a study after its lecture and what varies: `softmax_classifier-lr-momentum`."""
    short = lecture.removeprefix("lecture_").lstrip("0123456789_") or lecture
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", short).strip("-._") or "study"  # any file has a name
    return "-".join([short, *vary])[:64]


def journal_path(runs_dir: Path, name: str) -> Path:
    """The journal of a study that is kept in the runs folder."""
    return runs_dir.absolute() / _FOLDER / f"{check_study_name(name)}{_SUFFIX}"


def shown_storage(storage: str, runs_dir: Path, name: str) -> str:
    """Where a study is kept, without a password: for people to read."""
    return without_password(storage) if storage else str(journal_path(runs_dir, name))


def study_argument(storage: str, runs_dir: Path, name: str) -> str:
    """The study as arguments of a shell command: its name, and where it is kept unless that is the
    usual runs folder or what TUTORCH_STORAGE says. A password is left out.
    """
    words = [name, *runs_dir_words(runs_dir)]
    if storage and storage != os.environ.get("TUTORCH_STORAGE"):
        words += ["--storage", without_password(storage)]
    return shlex.join(words)


def runs_dir_words(runs_dir: Path) -> list[str]:
    """The words of a command that name the runs folder; none for the usual one."""
    usual = os.environ.get("TUTORCH_RUNS_DIR") or fields_of(RunOptions)["runs_dir"].default
    is_usual = runs_dir.absolute() == user_path(usual).absolute()
    return [] if is_usual else ["--runs-dir", str(runs_dir)]


def open_storage(storage: str, runs_dir: Path, name: str, *, create: bool = False) -> BaseStorage:
    """Open the storage of a study: a URL, or else the journal in the runs folder.

    Raises InvalidValue for a wrong URL, UnknownStudy if there is no journal and none is to be made,
    RunsFolderUnwritable, DamagedRun, and StorageUnavailable.
    """
    if not storage:
        return _open_journal(journal_path(runs_dir, name), create=create)
    if storage.startswith("grpc://"):
        return _open_proxy(storage)
    return _open_database(storage)


def close_storage(storage: BaseStorage) -> None:
    """Close the connections to a database or to the proxy."""
    with from_optuna():
        storage.remove_session()
        for owner, name in ((getattr(storage, "engine", None), "dispose"), (storage, "close")):
            close = getattr(owner, name, None)  # a journal has nothing to close
            if close is not None:
                close()


def stored_studies(storage: str, runs_dir: Path) -> list[str]:
    """The names of all studies there, in alphabetical order. Raises what `open_storage` does."""
    if not storage:
        paths = (runs_dir.absolute() / _FOLDER).glob(f"*{_SUFFIX}")
        return sorted(path.stem for path in paths if _NAME.fullmatch(path.stem))
    opened = open_storage(storage, runs_dir, "")
    try:
        with from_optuna() as optuna:
            names = optuna.get_all_study_names(opened)
    finally:
        close_storage(opened)
    return sorted(name for name in names if _NAME.fullmatch(name))


def _open_journal(path: Path, *, create: bool) -> BaseStorage:
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise RunsFolderUnwritable(
                f"can't keep a study in {path}: {error.strerror}. "
                "Name a writable folder with --runs-dir"
            ) from error
    elif not is_there(path):
        raise UnknownStudy(
            f"there is no study {path.stem!r} in {path.parent}: `tutorch studies` lists them"
        )
    refuse_irregular(path)
    return open_journal(path)


def _open_proxy(storage: str) -> BaseStorage:
    address = urlsplit(storage)
    try:
        port = address.port
    except ValueError:
        port = None
    if not address.hostname or port is None:
        raise InvalidValue(f"storage: grpc://HOST:PORT, not {storage[:80]!r}", "storage")
    with from_optuna() as optuna:
        try:
            return optuna.storages.GrpcStorageProxy(host=address.hostname, port=port)
        except ImportError as error:
            raise InvalidValue(
                f"storage: Optuna's proxy needs more ({error}): pip install grpcio protobuf",
                "storage",
            ) from error


def _open_database(storage: str) -> BaseStorage:
    with from_optuna() as optuna:
        import sqlalchemy.exc  # comes with Optuna

        try:
            url = sqlalchemy.make_url(_with_driver(storage))
            address = url.render_as_string(hide_password=False)
            for attempt in range(1, _ATTEMPTS):
                try:
                    return optuna.storages.RDBStorage(address)
                except (sqlalchemy.exc.IntegrityError, sqlalchemy.exc.ProgrammingError):
                    time.sleep(attempt * _BETWEEN)
            return optuna.storages.RDBStorage(address)
        except ImportError as error:
            raise InvalidValue(
                f"storage: the database's driver is missing ({str(error)[:200]}): for PostgreSQL "
                "pip install 'psycopg[binary]', for MySQL pip install pymysql",
                "storage",
            ) from error
        except sqlalchemy.exc.ArgumentError as error:
            raise InvalidValue(
                "storage: a URL such as postgresql://USER:PASSWORD@HOST/DATABASE or "
                f"grpc://HOST:PORT, not {without_password(storage)[:80]!r}",
                "storage",
            ) from error


def _with_driver(storage: str) -> str:
    """Name a driver where the URL names only the database: older SQLAlchemy wants psycopg2."""
    for database, driver in (("postgresql", "psycopg"), ("mysql", "pymysql")):
        if storage.startswith(f"{database}://"):
            return storage.replace(database, f"{database}+{driver}", 1)
    return storage
