"""The best model of a run, loaded to be asked or measured again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from datasets import Data
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from models.user_files.error_hints import explain
from tui_app.runs.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun
from tui_app.runs.run_data import data_of_run, read_kept_data
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_settings import read_settings
from tui_app.runs.settings import RunSettings
from tui_app.training.batches import DeviceSplit, ready_sample
from tui_app.training.device import choose_device
from tui_app.training.evaluation import evaluate
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.prepare import build_model, read, split_train_set


@dataclass(frozen=True)
class SavedModel:
    """A run's best.pt in a model of its lecture, with the data it was trained on."""

    settings: RunSettings
    data: Data
    model: nn.Module
    criterion: nn.Module
    device: torch.device
    data_note: str = ""
    """What the user should know of the data as they are now; or nothing."""

    @classmethod
    def of(
        cls,
        folder: RunFolder,
        device: str | None,
        data_dir: str | None,
        *,
        needs_samples: bool = True,
        reporter: ProgressReporter = NO_REPORTS,
    ) -> SavedModel:
        """Load it. Without `needs_samples` the data aren't read where the run keeps what it takes
        to run the model.

        Raises DamagedRun, also for other data than the run was trained with, and what reading the
        data raises.
        """
        settings = read_settings(folder)
        options = settings.options
        options = replace(options, device=device or "auto", data_dir=data_dir or options.data_dir)
        settings = replace(settings, options=options)
        target = torch.device(choose_device(options.device).name)
        note, kept = "", None if needs_samples else read_kept_data(folder)
        if kept is not None and kept.encoder is not None:
            data = kept.as_data(kept.encoder)
        else:
            data, note = data_of_run(
                folder, settings.dataset, lambda: read(settings, reporter), reporter
            )
        model, criterion = build_model(settings.lecture, data, settings, target)
        try:
            model.load_state_dict(load_checkpoint(folder.best()))
        except (RuntimeError, AttributeError, TypeError) as error:
            raise DamagedRun(f"{folder.best()} doesn't fit the run's model: {error}") from error
        return cls(settings, data, model.eval(), criterion, target, note)

    @torch.no_grad()
    def outputs(self, text: str) -> Tensor:
        """The model's answer to what a person typed: (outputs,) logits, or the predicted value.

        Raises ValueError with a sentence when the data set can't read `text`, and DamagedRun for a
        model that doesn't take such a sample, or gives no answer of the run's task.
        """
        encoded, wanted = self.data.encode(text), self.data.spec.outputs
        try:
            outputs = self.model(ready_sample(encoded, self.data, self.device))[0].cpu()
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            if is_out_of_memory(error):
                raise
            raise DamagedRun(f"the run's model doesn't take a sample: {explain(error)}") from error
        if outputs.shape[:1] != (wanted,):
            raise DamagedRun(
                f"the run's model gives outputs of shape {tuple(outputs.shape)} for a sample, and "
                f"{wanted} would be right for its data"
            )
        return outputs

    def measure(self) -> dict[str, float]:
        """Loss and accuracy on every split the run has, by name: `test_accuracy`, ..."""
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
            ).items()
        }
