"""Explains an error in the user's net: where it is, what it says, and what to change."""

from __future__ import annotations

import re

from models.user_files.error_location import locate_error

#: Torch's words for missing CUDA, in its versions with and without CUDA.
_NO_CUDA = "not compiled with CUDA|NVIDIA driver|No CUDA GPUs|CUDA error: no device"

#: The package that a user's own modules are imported in.
_PACKAGE = r"tutorch_user_[0-9a-f]{12}\."

#: What to change: a pattern of the error's type and text, and a hint.
_HINTS = (
    (
        "^SystemExit|^KeyboardInterrupt",
        "A net must not end the program: raise an error that says what is wrong, or remove this "
        "line.",
    ),
    (r"NameError.*'F'", "Add `import torch.nn.functional as F` at the top of the file."),
    (r"NameError.*'nn'", "Add `from torch import nn` at the top of the file."),
    (r"NameError.*'(torch|math)'", r"Add `import \1` at the top of the file."),
    (r"NameError.*'np'", "Add `import numpy as np` at the top of the file."),
    (
        _NO_CUDA,
        "There is no NVIDIA GPU here: remove .cuda() and .to('cuda'). tutorch moves the net and "
        "every batch to the device that --device names.",
    ),
    (
        "same device",
        "Create a tensor on the input's device: x.new_zeros(...), or device=x.device.",
    ),
    (
        r"before Module.__init__\(\)",
        "Call `super().__init__()` first in __init__.",
    ),
    (
        'missing the required "forward"',
        "The net needs `def forward(self, x):`, indented like __init__.",
    ),
    (
        "does not require grad",
        "The loss doesn't depend on the weights: no .detach(), .data, .item() or torch.no_grad() "
        "between the input and the output.",
    ),
    (
        "Expected more than 1 value per channel",
        "The epoch's last batch has one sample, too few for BatchNorm: change --batch-size.",
    ),
    (
        "modified by an inplace operation",
        "Write `x = x + y` for `x += y`, and nn.ReLU() for nn.ReLU(inplace=True).",
    ),
)


def explain(error: BaseException) -> str:
    """Explain an error in up to three lines: where it is and its text; the line of code; and what
    to change, if there is a hint.
    """
    place = locate_error(error)
    text = error.text if isinstance(error, SyntaxError) else place and place.text
    code = f"    {text.strip()}" if text and text.strip() else ""
    return "\n".join(filter(None, (_message(error), code, _hint(error))))


def explain_in_one_line(error: BaseException) -> str:
    """Explain an error in one line, without the line of code."""
    said, hint = _message(error), _hint(error)
    return " ".join((f"{said.rstrip('.')}. {hint}" if hint else said).split())


def _message(error: BaseException) -> str:
    text = _first_sentence(error.msg if isinstance(error, SyntaxError) else str(error))
    text = re.sub(_PACKAGE, "", text)
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    place = locate_error(error)
    return f"{place}: {said}" if place else said


def _hint(error: BaseException) -> str:
    said = f"{type(error).__name__}: {error}"
    for pattern, hint in _HINTS:
        match = re.search(pattern, said)
        if match:
            return match.expand(hint) if match.groups() else hint
    return ""


def _first_sentence(text: str) -> str:
    """The error's text; of torch's long texts on a missing GPU, the first sentence."""
    if re.search(_NO_CUDA, text):
        return text.partition(". ")[0].strip().rstrip(".")
    return text.strip()
