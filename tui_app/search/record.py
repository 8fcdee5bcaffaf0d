"""What a study records of itself, so that any program can go on with it: settings and metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from models.fields import InvalidValue, fields_of, setting_text
from models.lecture import Lecture
from tui_app.runs.errors import DamagedRun
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.runs.settings.variation import Variation, as_plain, check_variation, from_plain
from tui_app.search.space import Space

#: How bad trials may be ended early, the default first.
Pruner = Literal["median", "hyperband", "none"]
PRUNERS: tuple[Pruner, ...] = get_args(Pruner)

#: The splits that the best trial may be chosen on, in words.
_CHOSEN_ON = {
    "test": "the test set, as the course does it",
    "validation": "the part held out of the train set",
    "train": "the train set: this data set has no other",
}

#: Options that may differ between the machines of a study, and change when it goes on.
MACHINE_OPTIONS = ("device", "threads", "data_dir", "save_every", "on_oom", "on_hangup")


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """How the trials of a study are made.

    `file` is the user's file of the lecture, and `source` the SHA-256 of what it was when the study
    began; both are empty for a lecture of the course. `fixed` are the
    hyperparameters and options that were given besides the ones that vary. `metric` is what the
    best trial is chosen by, on the split `chosen_on`. The sampler draws from `seed`. A trial has at
    most so many `epochs`.
    """

    lecture: str
    file: str
    source: str = ""
    dataset: str
    vary: Mapping[str, Variation]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    pruner: Pruner = PRUNERS[0]
    seed: int = 0
    epochs: int = 1
    metric: str = ""
    higher_is_better: bool = True
    chosen_on: str = ""

    def as_plain(self) -> dict[str, Any]:
        """The record as JSON can hold it."""
        vary = {name: as_plain(variation) for name, variation in self.vary.items()}
        return {**asdict(self), "vary": vary, "fixed": dict(self.fixed)}

    @classmethod
    def of(cls, values: Any) -> StudyRecord:
        """Read what `as_plain` wrote; the settings aren't checked. Raises DamagedRun."""
        try:
            texts = ("lecture", "file", "source", "dataset", "pruner", "metric", "chosen_on")
            if not all(isinstance(values[name], str) for name in texts):
                raise TypeError("a text is missing")
            vary = {str(name): from_plain(plain) for name, plain in values["vary"].items()}
            return cls(
                **{name: values[name] for name in texts},
                vary=vary,
                fixed={str(name): value for name, value in values["fixed"].items()},
                seed=int(values["seed"]),
                epochs=int(values["epochs"]),
                higher_is_better=bool(values["higher_is_better"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamagedRun(f"the study's record is damaged: {error!r}"[:300]) from error

    @property
    def options(self) -> dict[str, Any]:
        """The fixed options of a run."""
        return {n: v for n, v in self.fixed.items() if n in fields_of(RunOptions)}

    @property
    def fixed_texts(self) -> dict[str, str]:
        """The fixed settings as text."""
        return {name: setting_text(value) for name, value in self.fixed.items()}

    def space(self, lecture: Lecture) -> Space:
        """The settings of the trials, checked by the lecture's fields. Raises InvalidValue."""
        fields = lecture.fields
        for name in self.vary:
            if name not in fields:
                raise InvalidValue(f"{lecture.name} has no hyperparameter {name!r}", name)
        vary = {name: check_variation(fields[name], each) for name, each in self.vary.items()}
        fixed = {name: v for name, v in self.fixed.items() if name not in fields_of(RunOptions)}
        space = Space(lecture, self.dataset, vary, fixed)
        space.check()
        return space

    def is_same_search(self, other: StudyRecord) -> bool:
        """Whether both make the same trials, whatever differs between machines."""
        return self._comparable() == other._comparable()

    def _comparable(self) -> tuple[Any, ...]:
        fixed = {n: setting_text(v) for n, v in self.fixed.items() if n not in MACHINE_OPTIONS}
        vary = {name: str(variation) for name, variation in self.vary.items()}
        return self.lecture, self.dataset, vary, fixed, self.pruner


def chosen_on_text(split: str) -> str:
    """On what the best trial is chosen, in words."""
    return _CHOSEN_ON.get(split, split)


def trial_settings(
    record: StudyRecord,
    lecture: Lecture,
    hyperparameters: Mapping[str, Any],
    machine: Mapping[str, Any],
) -> RunSettings:
    """The settings of a trial with these hyperparameters, on this machine. Raises InvalidValue."""
    given = {**record.options, **machine, **hyperparameters, "dataset": record.dataset}
    return resolve_settings(lecture, given)
