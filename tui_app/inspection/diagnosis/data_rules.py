"""Finds faults in the data of a run."""

from __future__ import annotations

from tui_app.inspection.diagnosis.observations import Advice, ModelObservations, RunObservations


def same_data(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The train set and the test set are the same samples."""
    if not run.data.test_is_train:
        return None
    return Advice(
        "train and test are the same",
        f"The test set is the train set, all {run.train_size} samples of it: its accuracy says "
        "nothing about new samples. Hold some out, with --validation 0.2",
        {"validation": 0.2},
    )


def imbalance(run: RunObservations, model: ModelObservations) -> Advice | None:
    """One class is so frequent that the accuracy hides how rarely the others are predicted."""
    shares = run.data.class_shares
    if len(shares) < 2:
        return None
    name, share = max(shares.items(), key=lambda pair: pair[1])
    least, small = min(shares.items(), key=lambda pair: pair[1])
    accuracy = run.latest("accuracy")
    if share < 0.8 or (accuracy is not None and accuracy > share + (1 - share) / 2):
        return None
    return Advice(
        "classes out of balance",
        f"{100 * share:.1f} % of the train set is {name}, {100 * small:.1f} % {least}: always "
        f"predicting {name} is right that often. Look at the confusion matrix, not the accuracy",
    )
