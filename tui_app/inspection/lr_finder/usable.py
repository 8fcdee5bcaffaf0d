"""Says for which settings a learning rate can be found. Imports no torch."""

from __future__ import annotations

from models.fields import InvalidValue
from tui_app.runs.settings.run_settings import RunSettings

_NO_LR = {
    "lbfgs": "lbfgs finds the length of each step by comparing losses",
    "rprop": "rprop uses the lr for its first step alone, and then gives each weight its own step",
}


def refuse_without_lr(settings: RunSettings) -> None:
    """Raise InvalidValue if training with these settings has no lr to find."""
    lecture, hp = settings.lecture, settings.hyperparameters
    if "lr" not in lecture.fields:
        raise InvalidValue(f"{lecture.name} trains without an lr: there is none to find")
    if lecture.optimizer is None and hp.optimizer in _NO_LR:
        raise InvalidValue(
            f"{_NO_LR[hp.optimizer]}: there is no lr to find. Choose another optimizer", "optimizer"
        )
