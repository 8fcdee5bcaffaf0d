"""Decides whether a user's code may run: the one gate, asked before any of it is imported.

Code that isn't tutorch's own runs when the user has named its file in this program, or has trusted
it. What is trusted is one hash, over the file and the local modules that it imports: whatever is
changed in them is other code. A file or folder of another user is never trusted for having been
named.

How the user is asked is for the command line and the app; this module knows no terminal.
"""

from __future__ import annotations

from pathlib import Path

from models import LectureError
from models.user_files import trust_store
from models.user_files.owners import foreign_uids, user_names
from models.user_files.source import Source

#: The files that the user named in this program.
_named: set[Path] = set()

#: What can't be remembered in the state folder: hashes, and whose files of each are trusted.
_only_here: dict[str, frozenset[int]] = {}

#: The local modules that are named before code is trusted; of more, their number is given.
_MODULES = 8


class UntrustedSource(LectureError):
    """The user's code isn't trusted, so it doesn't run.

    `source` is that code, and `owner` names the users besides this one whose files it is.
    `sentence` is the text without what to do on the command line.
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
        """What the user should know before trusting it: names and values."""
        modules = [name for name in self.source.files if name != self.source.main]
        more = f" and {len(modules) - _MODULES} more" if len(modules) > _MODULES else ""
        facts = [("file", str(self.source.path)), ("owner", self.owner or "you")]
        if modules:
            facts.append(("imports", ", ".join(modules[:_MODULES]) + more))
        if self.problem:
            facts.append(("note", self.problem))
        return facts


def allow_named_file(path: Path) -> None:
    """The user named this file: its code may run, whatever is written into it while this program
    runs, as long as no other user owns any of it.
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
    """The user trusts this code, now and until it changes. Why that lasts for this program only, or
    an empty text.
    """
    owners = foreign_uids(source.owners)
    try:
        trust_store.remember(source.digest, source.path, owners)
    except OSError as error:
        _only_here[source.digest] = owners | _only_here.get(source.digest, frozenset())
        folder = trust_store.store_folder()
        return (
            f"{source.path} is trusted for this time only: {folder} can't be written: "
            f"{error.strerror or error}"
        )
    if trust_store.store_folder() is None:
        _only_here[source.digest] = owners | _only_here.get(source.digest, frozenset())
    return ""


def is_remembered(source: Source) -> bool:
    """Whether another program of this user may run the code too."""
    owners = trust_store.recall(source.digest).owners
    return owners is not None and foreign_uids(source.owners) <= owners
