"""Predicts the class of the user's drawing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.answer import InputPrediction, predict_encoded

#: Points of a drawing along each side. A point is two hexadecimal digits, 00 (blank) to ff.
SIDE = 28


@dataclass(frozen=True)
class Drawing:
    """The prediction, and the image (C, H, W) that the model received; None before the drawing."""

    prediction: InputPrediction
    seen: np.ndarray | None


def probe(context: ProbeContext, query: str) -> Drawing | None:
    """The prediction for the drawing; None for data other than images with classes."""
    spec = context.data.spec
    if len(spec.input_shape) != 3 or not spec.classes:
        return None
    blank = InputPrediction("", spec.classes, np.zeros(len(spec.classes)), "a drawing")
    if not query:
        return Drawing(blank, None)
    ink = np.frombuffer(bytes.fromhex(query), np.uint8).reshape(SIDE, SIDE)
    # The data set converts a picture to one of its samples, and reads it from a file.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawing.png"
        Image.fromarray(ink).save(path)
        image = context.data.encode(str(path))
    return Drawing(predict_encoded(context, image, "drawing"), image)
