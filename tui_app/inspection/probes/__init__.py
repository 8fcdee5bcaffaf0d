"""Computes what views show: one probe per file, `probe(context, query)`, found by its name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import Probe


def load_probe(name: str) -> Probe:
    """The probe in the file of that name."""
    return importlib.import_module(f"tui_app.inspection.probes.{name}").probe
