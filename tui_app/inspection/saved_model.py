"""Loads a run's best model, for predictions and evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from datasets import Data
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from models.user_files.error_hints import explain
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun
from tui_app.runs.run_data import read_data_record, reread_data
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.recorded_settings import read_settings
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.build_model import build_model
from tui_app.training.data.device_split import DeviceSplit, ready_sample
from tui_app.training.devices.device import choose_device
from tui_app.training.evaluation import evaluate, measures_flip
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.prepare import read_data, split_train_set


@dataclass(frozen=True)
class SavedModel:
    """A run's best.pt in a model of its lecture, with the data it was trained on."""

    settings: RunSettings
    data: Data
    model: nn.Module
    criterion: nn.Module
    device: torch.device
    data_note: str = ""
    """What the user should know about the data as they are now; or nothing."""

    @classmethod
    def load(
        cls,
        folder: RunFolder,
        device: str | None,
        data_dir: str | None,
        *,
        needs_samples: bool = True,
        reporter: ProgressReporter = NO_REPORTS,
    ) -> SavedModel:
        """Load the model and the data. Without `needs_samples` the data aren't read if the run
        folder keeps what the model needs of them.

        Raises DamagedRun, also if the data aren't those that the run was trained on, and what
        reading the data raises.
        """
        settings = read_settings(folder)
        options = settings.options
        options = replace(options, device=device or "auto", data_dir=data_dir or options.data_dir)
        settings = replace(settings, options=options)
        target = torch.device(choose_device(options.device).name)
        note, kept = "", None if needs_samples else read_data_record(folder)
        if kept is not None and kept.encoder is not None:
            data = kept.as_data(kept.encoder)
        else:
            data, note = reread_data(folder, lambda: read_data(settings, reporter), reporter)
        model, criterion = build_model(settings.lecture, data, settings, target)
        try:
            model.load_state_dict(load_checkpoint(folder.best()))
        except (RuntimeError, AttributeError, TypeError) as error:
            raise DamagedRun(f"{folder.best()} doesn't fit the run's model: {error}") from error
        return cls(settings, data, model.eval(), criterion, target, note)

    @torch.no_grad()
    def predict(self, text: str) -> Tensor:
        """The model's outputs for the user's input: (outputs,) logits, or the predicted value.

        Raises ValueError with a sentence if the data set can't read `text`. Raises DamagedRun for a
        model that fails on such a sample, or whose outputs don't fit the run's task.
        """
        encoded, expected = self.data.encode(text), self.data.spec.outputs
        try:
            outputs = self.model(ready_sample(encoded, self.data, self.device))[0].cpu()
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            if is_out_of_memory(error):
                raise
            raise DamagedRun(f"the run's model fails on a sample: {explain(error)}") from error
        if outputs.shape[:1] != (expected,):
            raise DamagedRun(
                f"the run's model gives outputs of shape {tuple(outputs.shape)} for a sample; its "
                f"data need {expected}"
            )
        return outputs

    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy on every split of the run, by name: `test_accuracy`, ..."""
        train, validation = split_train_set(self.data, self.settings)
        splits = {"train": train, "validation": validation, "test": self.data.test}
        return {
            f"{name}_{metric}": value
            for name, split in splits.items()
            if split is not None
            for metric, value in evaluate(
                self.model,
                self.criterion,
                DeviceSplit.of(split, self.data, self.device),
                self.data.spec.task,
                flip=measures_flip(self.settings.hyperparameters),
            ).items()
        }
