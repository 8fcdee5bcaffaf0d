"""Decides which runs train their epochs in blocks, without evaluating the model after each."""

from __future__ import annotations

from torch import nn

from tui_app.training.evaluation import CHUNK
from tui_app.training.recording.kept_state import KeptState
from tui_app.training.seeding import host_rng_state
from tui_app.training.state import Training

#: Modules of torch's that compute the same while training and while evaluated, with and without
#: gradients, and keep no state.
_PURE = (
    *(nn.Linear, nn.Identity, nn.Flatten, nn.Sequential, nn.ModuleList, nn.ModuleDict),
    *(nn.ParameterList, nn.ParameterDict),
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus),
    *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss),
    *(nn.BCEWithLogitsLoss, nn.BCELoss, nn.CrossEntropyLoss),
)


def is_suited(training: Training) -> bool:
    """Whether the run's step is a plain one, and its forward pass is also the evaluation of the
    epoch before; its epochs must be one step on the whole train set.
    """
    settings, hp = training.settings, training.hyperparameters
    lecture, options = settings.lecture, settings.options
    is_plain_step = (
        training.device.name == "cpu"
        and options.precision == "fp32"
        and lecture.optimizer is None
        and lecture.backward is None
        and hp.optimizer != "lbfgs"  # which evaluates the loss several times in a step
        and not hp.clip_grad_norm
        and training.schedule.is_constant
    )
    is_evaluated_by_the_step = (
        training.measured.name == "train"
        and training.train_size <= CHUNK  # evaluated at once
        and options.eval_every == 1
        and options.keep_best == 1
    )
    return is_plain_step and is_evaluated_by_the_step and _is_pure(training)


def _is_pure(training: Training) -> bool:
    """Whether a forward pass depends on nothing but the weights, as far as the modules tell.

    What a lecture's own modules do is seen in `state_besides_weights`, which mustn't change.
    """
    model, modules = training.model, [*training.model.modules(), *training.criterion.modules()]
    of_torch = [each for each in modules if type(each).__module__.startswith("torch.")]
    has_hooks = any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())
    if has_hooks or [*model.buffers()]:
        return False
    return all(type(each) in _PURE for each in of_torch)


def state_besides_weights(training: Training) -> tuple[object, ...]:
    """What a forward pass changes if it keeps state or draws random numbers. Compare with `==`."""
    return KeptState((training.model, training.criterion)), host_rng_state()
