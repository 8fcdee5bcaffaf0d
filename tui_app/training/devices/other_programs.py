"""Counts the other programs that compute on a GPU, without counting this one.

In a container the driver numbers processes as the host does, so os.getpid() needn't be this
program's number in its lists. It is the one that appears when this program first uses the card.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from tui_app.training.devices.nvidia import programs_on

#: This program's number in the driver's lists, by the card's index; None if that is unknown.
_own_pids: dict[int, int | None] = {}


def count_others(index: int, use: Callable[[], object], *, was_used: bool) -> int:
    """Call `use`, which allocates memory on `cuda:<index>`, and count the other programs there.

    `was_used` says whether this program had memory there before. 0 if the driver doesn't say, or
    if this program can't be told from the others. Raises what `use` does.
    """
    is_known, before = index in _own_pids, programs_on(index)
    use()
    if not is_known:
        _own_pids[index] = _find_own_pid(before, programs_on(index), was_used=was_used)
        if not was_used:
            return len(before)
    own = own_pid(index)
    return 0 if own is None else len(before - {own})


def own_pid(index: int) -> int | None:
    """This program's number in the driver's list for `cuda:<index>`; None if it is unknown, or if
    `count_others` wasn't called for this card.
    """
    return _own_pids.get(index)


def _find_own_pid(before: frozenset[int], after: frozenset[int], *, was_used: bool) -> int | None:
    """The number of this program, which has come to the card in between, or was there before."""
    new = after - before
    if len(new) == 1 and not was_used:
        return next(iter(new))
    here = os.getpid()
    return here if here in (after if was_used else new) else None
