"""Opens image files of the formats that are allowed, and converts their pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.reading.paths import user_path

if TYPE_CHECKING:
    from PIL import Image

_FORMAT_OF = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".ppm": "PPM",
    ".pgm": "PPM",
}

SUFFIXES = frozenset(_FORMAT_OF)
"""The suffixes of image files."""

FORMATS = tuple(sorted(set(_FORMAT_OF.values())))
"""The formats that Pillow may open, whatever the file's suffix. Pillow supports many more, and
starts another program for some, such as EPS.
"""

_DAMAGES = (OSError, ValueError, SyntaxError, EOFError, OverflowError, struct.error, zlib.error)
"""What Pillow raises for a damaged file."""

GREY_MODES = frozenset({"1", "L"})
DEEP_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})
"""Pillow's modes of grey images: of 8 bits at most, and of more."""


@contextmanager
def open_image_file(path: Path) -> Iterator[Image.Image]:
    """Open an image file; its pixels are read when they are used. Raises ValueError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except UnidentifiedImageError:
        kinds = ", ".join(FORMATS)
        raise ValueError(f"{path} isn't an image of one of these formats: {kinds}") from None
    except (*_DAMAGES, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} can't be read as an image: {error}") from error


def image_path(text: str) -> Path:
    """The file that the user's text names. Raises ValueError when there is none."""
    path = user_path(text.strip())
    if not path.is_file():
        raise ValueError(f"{text!r} is not a file: give the path of an image")
    return path


def open_image(text: str) -> Image.Image:
    """The image in the file `text` in 8-bit RGB, on white where transparent. Raises ValueError."""
    with open_image_file(image_path(text)) as image:
        return upright(image).convert("RGB")


def upright(image: Image.Image) -> Image.Image:
    """An image rotated as its EXIF data say, in 8 bits on a white background: mode 1, L or RGB."""
    from PIL import Image, ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    if image.mode in DEEP_MODES:
        return Image.fromarray((grey_levels(image) >> 8).astype(np.uint8))
    if image.mode in {*GREY_MODES, "RGB"} and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def grey_levels(image: Image.Image) -> np.ndarray:
    """A grey image as levels (height, width) uint16, from 0 to 65535.

    Floating-point pixels are expected from 0 to 1. Raises ValueError for values out of range.
    """
    if image.mode in GREY_MODES:
        return np.asarray(image.convert("L")).astype(np.uint16) * np.uint16(257)
    values = np.asarray(image)
    if image.mode not in {"I", "F"}:
        return values.astype(np.uint16)
    top = 1 if image.mode == "F" else 65535
    low, high = values.min(), values.max()
    if not 0 <= low <= high <= top:
        kind = "floating-point numbers" if image.mode == "F" else "32-bit whole numbers"
        raise ValueError(f"it has {kind} from {low:g} to {high:g}, not from 0 to {top}")
    return np.round(values * (65535 / top)).astype(np.uint16)
