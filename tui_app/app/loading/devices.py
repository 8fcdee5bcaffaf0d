"""Finds the devices of this computer, as choices for the form."""

from __future__ import annotations

from tui_app.app.messages import DevicesFound


def find_devices() -> DevicesFound:
    """Return the devices that PyTorch lists."""
    from tui_app.training.devices.device import listed_devices  # puts off torch

    choices = [("auto (a GPU if the steps are large enough)", "auto")]
    for device in listed_devices():
        free = f", {device.free_memory / 2**30:.1f} GiB free" if device.total_memory else ""
        choices.append((f"{device.name}, {device.title}{free}", device.name))
    return DevicesFound(choices)
