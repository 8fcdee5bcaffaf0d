"""What the commands that train do on several devices: start the ranks, or be one of them."""

from __future__ import annotations

from collections.abc import Sequence

from models.fields import InvalidValue
from tui_app.commands.lecture_arguments import first_position
from tui_app.runs.listing import read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.terminal.printing import print_to_stderr
from tui_app.training.ranks.launch import Launch


def refuse_other_devices(launch: Launch | None, given: int | None) -> None:
    """Raise InvalidValue if torchrun started another number of ranks than `--devices` gives."""
    if launch is not None and given not in (None, launch.count):
        raise InvalidValue(
            f"devices: torchrun started {launch.count} ranks, not {given}; without torchrun, "
            "--devices starts them itself",
            "devices",
        )


def refuse_several_runs(devices: int, runs: int) -> None:
    """Raise InvalidValue for a sweep on several devices."""
    if devices > 1 and runs > 1:
        raise InvalidValue(
            f"sweep: trains its runs one after the other on one device, not on {devices}: start "
            "each with --devices, or leave --devices out"
        )


def recorded_devices(folder: RunFolder, record: RunRecord) -> int:
    """Return on how many devices a run continues: as many as before, if one machine had them."""
    ranks = read_status(folder).get("ranks")
    hosts = {str(each.get("host")) for each in ranks} if isinstance(ranks, list) else set()
    if len(hosts) <= 1:
        return record.devices
    print_to_stderr(
        f"{folder.name} trained on {record.devices} devices of {len(hosts)} machines and continues "
        "on one device here; torchrun starts it on several machines"
    )
    return 1


def words_to_resume(argv: Sequence[str], folder: RunFolder) -> list[str]:
    """Return the words with the run's path in place of its name: `last` may soon be another."""
    words = list(argv)
    words[first_position(argv)] = str(folder.path)
    return words
