"""Lists all checks, in their order."""

from __future__ import annotations

from tests.gpu.check import Check

#: What the app on a pseudo-terminal needs, and what pytest does.
_APP = ("textual", "textual_plotext", "plotext", "pexpect", "pyte")
_PYTEST = ("pytest", "pytest_timeout", "hypothesis", "textual", "textual_plotext", "plotext")


def _check(name: str, place: str, seconds: int, title: str, needs: tuple[str, ...] = ()) -> Check:
    return Check(name, title, f"tests.gpu.{place}", seconds, needs)


CHECKS = (
    _check("machine", "machine:versions", 30, "versions, the card, its driver, NVML"),
    _check("tests", "machine:gpu_tests", 90, "pytest -m gpu", _PYTEST),
    _check("lectures", "lectures:steady_steps", 60, "every lecture: recorded, and nothing waits"),
    _check("optimizers", "agreement:optimizers", 60, "recorded against eager steps"),
    _check("resume", "agreement:resumed_runs", 40, "stopped and resumed, with random numbers"),
    _check("little memory", "memory:limited", 40, "batches that don't fit"),
    _check("many runs", "memory:forty_runs", 60, "40 runs in one process leave no memory behind"),
    _check("busy 9", "kernels:lecture_9", 30, "kernels, gaps, and the GPU's busy share"),
    _check("busy 10", "kernels:lecture_10", 30, "kernels, gaps, and the GPU's busy share"),
    _check("busy 11", "kernels:lecture_11", 30, "kernels, gaps, and the GPU's busy share"),
    _check("lecture 9", "speed:lecture_9", 70, "seconds an epoch of 60 000", ("torchvision",)),
    _check("lecture 10", "speed:lecture_10", 70, "seconds an epoch of 60 000", ("torchvision",)),
    _check("lecture 11", "speed:lecture_11", 90, "seconds an epoch of 60 000", ("torchvision",)),
    _check("small", "small:against_cpu", 40, "models of a few parameters on GPU and CPU"),
    _check("accuracies", "program:accuracies", 90, "lectures 9, 10 and 11 on all of MNIST"),
    _check("airbench", "program:airbench", 60, "lecture 11's record on CIFAR-10, if it is there"),
    _check("app", "program:app_beside_headless", 60, "the app beside the headless program", _APP),
)
