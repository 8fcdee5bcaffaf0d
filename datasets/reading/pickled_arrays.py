"""Reads the arrays in a pickle of any protocol without running any code of it.

A pickle names functions to call and their arguments. The few that numpy's arrays need have
stand-ins here, which only keep their arguments; every other function is refused.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np


def read_pickled_batch(content: bytes, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, pixels) uint8 and labels (N,) int64 from a pickled dict of `data` and `labels`.

    Raises ValueError.
    """
    try:
        loaded = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except _DAMAGES as error:
        raise ValueError(f"isn't a pickle of images and labels ({error})") from error
    if not isinstance(loaded, dict):
        raise ValueError("isn't a pickle of images and labels")
    batch = {key.decode() if isinstance(key, bytes) else key: loaded[key] for key in loaded}
    images, labels = _array(batch.get("data")), _array(batch.get("labels"))
    if images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != pixels:
        raise ValueError(f"has images of {images.dtype} {images.shape}, not uint8 (N, {pixels})")
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or not len(labels):
        raise ValueError(f"has {labels.size} labels for {len(images)} images")
    if labels.min() < 0:
        raise ValueError(f"has a label {labels.min()}")
    return images, labels.astype(np.int64)


_DAMAGES = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)
"""What the pickle module raises for a file that isn't a pickle, or is an unexpected one."""


def _array(value: Any) -> np.ndarray:
    if isinstance(value, _Array):
        return value.as_numpy()
    if isinstance(value, list) and all(type(item) is int for item in value):
        try:
            return np.array(value, np.int64)
        except OverflowError:
            raise ValueError("has labels beyond 64 bits") from None
    raise ValueError("isn't a pickle of images and labels")


class _Type:
    """Stands in for numpy.dtype."""

    def __init__(self, name: Any = "", *_: Any) -> None:
        self.name = name.decode("latin-1") if isinstance(name, bytes) else name

    def __setstate__(self, state: Any) -> None:
        """Set the byte order, which single bytes don't have; the rest is for other types."""
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        if order in ("<", ">"):
            self.name = order + self.name

    def as_numpy(self) -> np.dtype:
        """The type, if it is an integer type. Raises ValueError."""
        if self.name.lstrip("<>|") not in _WHOLE_NUMBERS:
            raise ValueError(f"has an array of {self.name!r}")
        return np.dtype(self.name)


_WHOLE_NUMBERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}


class _Array:
    """Stands in for numpy.ndarray."""

    def __init__(self) -> None:
        self.shape: Any = ()
        self.type: Any = None
        self.order = "C"
        self.content: Any = b""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.type, is_fortran, self.content = state
        self.order = "F" if is_fortran else "C"

    def as_numpy(self) -> np.ndarray:
        """The array, copied. Raises ValueError when its bytes don't fill its shape."""
        content = self.content
        if isinstance(content, str):
            content = content.encode("latin-1")
        shape = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        if not isinstance(self.type, _Type) or not isinstance(content, bytes | bytearray):
            raise ValueError("has an array without a type or bytes")
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("has an array without a shape")
        values = np.frombuffer(content, self.type.as_numpy())
        return values.reshape(shape, order="F" if self.order == "F" else "C").copy()


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _from_buffer(content: Any, type_: Any, shape: Any, order: Any, *_: Any) -> _Array:
    array = _Array()
    array.content, array.type, array.shape, array.order = content, type_, shape, order
    return array


def _encode(text: Any, *_: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode("latin-1")


def _bytes(*content: Any) -> bytes:
    """The bytes that protocols 0 to 2 build with a call: of no argument, or of bytes."""
    return bytes(content[0]) if content and isinstance(content[0], bytes | bytearray) else b""


_STAND_INS = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _encode,
    **{(module, "bytes"): _bytes for module in ("builtins", "__builtin__")},
    **{(module, "bytearray"): _bytes for module in ("builtins", "__builtin__")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for what a pickle names."""
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it calls {module}.{name}") from None
