"""Turns the user's image files into samples like those of MNIST and CIFAR-10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from datasets.reading.image_files import open_image


def encode_drawing(text: str, side: int = 28, box: int = 20) -> np.ndarray:
    """The image file that `text` names, prepared like MNIST's digits: (1, side, side) uint8.

    It is light on dark (a drawing on a light background is inverted), scaled to fit into box x box,
    and placed with its centre of mass in the middle. Raises ValueError when that is impossible.
    """
    from PIL import Image

    grey = np.asarray(open_image(text).convert("L"), dtype=np.float32)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.clip((np.median(border) - grey) if np.median(border) > 127 else grey, 0, None)
    if ink.max() < 10:
        raise ValueError(f"{text} shows nothing: all its pixels are equally bright")
    ink *= 255 / ink.max()
    rows, columns = (np.flatnonzero((ink > 25).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = box / max(ink.shape)
    height, width = (max(1, round(length * scale)) for length in ink.shape)
    small = Image.fromarray(ink.astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
    return _centred(np.asarray(small), side)[np.newaxis]


def _centred(drawing: np.ndarray, side: int) -> np.ndarray:
    mass = drawing.astype(np.float64)
    height, width = drawing.shape
    middle_row = (mass.sum(axis=1) @ np.arange(height)) / mass.sum()
    middle_column = (mass.sum(axis=0) @ np.arange(width)) / mass.sum()
    top = int(np.clip(round((side - 1) / 2 - middle_row), 0, side - height))
    left = int(np.clip(round((side - 1) / 2 - middle_column), 0, side - width))
    canvas = np.zeros((side, side), np.uint8)
    canvas[top : top + height, left : left + width] = drawing
    return canvas


def encode_picture(text: str, side: int = 32) -> np.ndarray:
    """The middle of the image file that `text` names, (3, side, side) uint8. Raises ValueError."""
    from PIL import ImageOps

    picture = np.asarray(ImageOps.fit(open_image(text), (side, side)))
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


@dataclass(frozen=True)
class DrawingEncoder:
    """Turns an image file that the user names into a drawing like MNIST's: an image of side x side
    pixels, with the drawing scaled to box x box.
    """

    side: int = 28
    box: int = 20
    dtype: ClassVar = np.uint8

    def __post_init__(self) -> None:
        if not 0 < self.box <= self.side:
            raise ValueError(f"a drawing of {self.box} pixels doesn't fit into {self.side}")

    @property
    def shape(self) -> tuple[int, ...]:
        """A sample's shape."""
        return (1, self.side, self.side)

    def __call__(self, text: str) -> np.ndarray:
        """The drawing, (1, side, side) uint8. Raises ValueError."""
        return encode_drawing(text, self.side, self.box)


@dataclass(frozen=True)
class PictureEncoder:
    """Turns an image file that the user names into a picture like CIFAR-10's, side x side."""

    side: int = 32
    dtype: ClassVar = np.uint8

    @property
    def shape(self) -> tuple[int, ...]:
        """A sample's shape."""
        return (3, self.side, self.side)

    def __call__(self, text: str) -> np.ndarray:
        """The picture, (3, side, side) uint8. Raises ValueError."""
        return encode_picture(text, self.side)
