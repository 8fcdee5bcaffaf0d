"""Imports what training needs while the user still reads the settings."""

from __future__ import annotations

import gc


def warm_up() -> None:
    """Import the training loop and what an optimizer imports when it is made.

    Every optimizer of torch imports torch._dynamo, which takes a second or two.
    """
    import torch  # puts off torch

    import tui_app.training.session  # noqa: F401  puts off torch

    torch.optim.SGD([torch.zeros(1)], lr=1.0)
    # All that was imported stays. Without this, Python's garbage collector would go through it
    # again and again, and no key is answered meanwhile: a quarter of a second each time.
    gc.freeze()
