"""Rules over the data of a run."""

from __future__ import annotations

from tui_app.inspection.diagnosis.observations import Advice, Course, Look


def same_data(course: Course, look: Look) -> Advice | None:
    """The train and the test set are the same samples."""
    if course.fingerprints is None or course.fingerprints[0] != course.fingerprints[1]:
        return None
    return Advice(
        "train and test are the same",
        f"The test set is the train set, all {course.train_size} samples of it: its accuracy says "
        "nothing about new samples. Hold some out, with --validation 0.2",
        {"validation": 0.2},
    )


def imbalance(course: Course, look: Look) -> Advice | None:
    """One class is so frequent that accuracy hides the others, and the model names hardly them."""
    if len(course.class_shares) < 2:
        return None
    name, share = max(course.class_shares.items(), key=lambda pair: pair[1])
    least, small = min(course.class_shares.items(), key=lambda pair: pair[1])
    accuracy = course.last("accuracy")
    if share < 0.8 or (accuracy is not None and accuracy > share + (1 - share) / 2):
        return None
    return Advice(
        "classes out of balance",
        f"{100 * share:.1f} % of the train set is {name}, {100 * small:.1f} % {least}: "
        f"always saying {name} is right that often. Look at the confusion matrix, not the accuracy",
    )
