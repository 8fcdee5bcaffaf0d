"""Decides whether a user's code may run. All code that isn't tutorch's passes here before import.

Such code runs if the user has named its file in this program, or has trusted it. The user trusts
one hash, of the file and the local modules that it imports: after any change it isn't trusted any
more. Naming a file isn't enough if another user owns it, or its folder.

The command line and the app ask the user; this module does no output.
"""

from __future__ import annotations

from pathlib import Path

from models import LectureError
from models.user_files import trust_store
from models.user_files.owners import foreign_uids, user_names
from models.user_files.source import Source

#: The files that the user named in this program.
_named: set[Path] = set()

#: Hashes that can't be stored in the state folder, and the users whose files of each are trusted.
_only_here: dict[str, frozenset[int]] = {}

#: The local modules that are named before code is trusted; of more, their number is given.
_MODULES = 8


class UntrustedSource(LectureError):
    """The user's code isn't trusted, so it doesn't run.

    `source` is that code, `owner` names the other users who own its files. `sentence` is the text
    without the advice for the command line.
    """

    def __init__(self, source: Source, owner: str, problem: str = "") -> None:
        self.source = source
        self.owner = owner
        self.problem = problem
        whose = f", which belongs to {owner}," if owner else ""
        why = f" ({problem})" if problem else ""
        self.sentence = f"{source.path}{whose} isn't trusted, so its code doesn't run{why}"
        super().__init__(f"{self.sentence}. Read it first; `--trust` lets it run until it changes")

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values to show to the user before trusting it."""
        modules = [name for name in self.source.files if name != self.source.main]
        more = f" and {len(modules) - _MODULES} more" if len(modules) > _MODULES else ""
        facts = [("file", str(self.source.path)), ("owner", self.owner or "you")]
        if modules:
            facts.append(("imports", ", ".join(modules[:_MODULES]) + more))
        if self.problem:
            facts.append(("note", self.problem))
        return facts


def allow_named_file(path: Path) -> None:
    """Allow a file that the user named. Its code may run, even when it changes while this program
    runs, unless another user owns any of its files.
    """
    _named.add(path.resolve())


def is_allowed(source: Source) -> bool:
    """Whether the code may run."""
    foreign = foreign_uids(source.owners)
    if not foreign and source.path.resolve() in _named:
        return True
    for owners in (_only_here.get(source.digest), trust_store.recall(source.digest).owners):
        if owners is not None and foreign <= owners:
            return True
    return False


def refuse_untrusted(source: Source) -> None:
    """Raise UntrustedSource for code that the user has neither named nor trusted."""
    if not is_allowed(source):
        raise UntrustedSource(
            source,
            user_names(foreign_uids(source.owners)),
            trust_store.recall(source.digest).problem,
        )


def trust(source: Source) -> str:
    """Trust this code until it changes. Returns a sentence if that lasts for this program only,
    else an empty text.
    """
    owners = foreign_uids(source.owners)
    try:
        trust_store.remember(source.digest, source.path, owners)
    except OSError as error:
        _only_here[source.digest] = owners | _only_here.get(source.digest, frozenset())
        folder = trust_store.store_folder()
        return (
            f"{source.path} is trusted only until this program ends: {folder} can't be written: "
            f"{error.strerror or error}"
        )
    if trust_store.store_folder() is None:
        _only_here[source.digest] = owners | _only_here.get(source.digest, frozenset())
    return ""


def is_remembered(source: Source) -> bool:
    """Whether this user's other programs may run the code too."""
    owners = trust_store.recall(source.digest).owners
    return owners is not None and foreign_uids(source.owners) <= owners
