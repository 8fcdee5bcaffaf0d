"""Turns any image file into one sample: cropped, scaled, and at the data's bit depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datasets.reading.image_files import (
    DEEP_MODES,
    GREY_MODES,
    grey_levels,
    image_path,
    open_image_file,
    upright,
)

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class ImageEncoder:
    """Crops and scales images to `shape` (channels, height, width).

    The pixels are uint8, or uint16 with a `depth` of 16 bits, which only grey images have.
    """

    shape: tuple[int, int, int]
    depth: int = 8

    def __post_init__(self) -> None:
        channels = self.shape[0]
        if (self.depth, channels) not in ((8, 1), (8, 3), (16, 1)):
            raise ValueError(f"images of {channels} channels of {self.depth} bits don't exist")

    def __call__(self, text: str) -> np.ndarray:
        """The image in the file that `text` names. Raises ValueError."""
        with open_image_file(image_path(text)) as image:
            return self.pixels(image)

    @property
    def dtype(self) -> type[np.uint8 | np.uint16]:
        """The type of a pixel."""
        return np.uint16 if self.depth == 16 else np.uint8

    def pixels(self, image: Image.Image) -> np.ndarray:
        """An opened image as `shape`. Raises ValueError when it can't be converted."""
        from PIL import ImageOps

        channels, height, width = self.shape
        if self.depth == 16:
            return self._deep(image)
        image = upright(image)
        image = image.convert("L" if channels == 1 else "RGB")
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height))
        return np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1)

    def _deep(self, image: Image.Image) -> np.ndarray:
        from PIL import Image, ImageOps

        _, height, width = self.shape
        ImageOps.exif_transpose(image, in_place=True)
        is_grey = image.mode in GREY_MODES or image.mode in DEEP_MODES
        levels = grey_levels(image if is_grey else upright(image).convert("L"))
        if image.size != (width, height):  # Pillow scales floating-point pixels in every version
            scaled = ImageOps.fit(Image.fromarray(levels.astype(np.float32)), (width, height))
            levels = np.clip(np.round(np.asarray(scaled)), 0, 65535).astype(np.uint16)
        return levels[np.newaxis]
