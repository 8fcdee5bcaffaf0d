"""Writes the training loop of a script, with the run's own values filled in."""

from __future__ import annotations

from collections.abc import Sequence

from models.lecture import Hyperparameters, ParameterGroup
from tui_app.export.lecture_source import LectureSource
from tui_app.export.literals import literal
from tui_app.inspection.probe_context import ProbeContext
from tui_app.runs.events import StepsCompleted
from tui_app.runs.metrics.metrics_file import last_event
from tui_app.training.data.alternation import ALTERNATING
from tui_app.training.data.sampler import SEED_STRIDE
from tui_app.training.evaluation import reduction_of
from tui_app.training.optimizers import parameter_groups
from tui_app.training.schedule import Span

_LOOP = '''
# 4. Training

EPOCHS, BATCH_SIZE, STEPS_PER_EPOCH, LAST_STEP = {epochs}, {batch}, {per_epoch}, {last}
LR_CHANGES = {changes}  # set by the user during the run: first step, lr
{threads}

def order(epoch):
    """The order of the samples in an epoch, from 0."""
    return {order}


def lr_factor(step):
    """The lr schedule: the factor of the lr after so many steps."""
    {factor}


{group_factors}def take_step(inputs, targets):
    """Forward, backward, update; the loss before the update."""

    def closure():
        optimizer.zero_grad(set_to_none=True)
        {forward}
        {backward}
{clip}        return loss.detach()

    return optimizer.step(closure).item()


def measure(inputs, targets):
    """Accuracy where there are classes, else the loss."""
    model.eval()
    with torch.no_grad():
        outputs = model(inputs)
        value = {measure}
    model.train()
    return value


losses, step, lr = [], 0, {lr}
train_x, train_y = train_x.to(device), train_y.to(device)
if test_x is not None:
    test_x, test_y = test_x.to(device), test_y.to(device)
model.train()
for epoch in range(EPOCHS):
    total, samples = 0.0, 0
{vary}    for rows in order(epoch).split(BATCH_SIZE)[:STEPS_PER_EPOCH]:
        if step == LAST_STEP:
            break
        lr = LR_CHANGES.get(step + 1, lr)
{set_threads}{set_lrs}
        inputs, targets = {inputs}[rows.to(device)], train_y[rows.to(device)]
{augment}        loss = take_step(inputs, targets)
        losses.append(loss)
        total, samples, step = total + {total}, samples + len(inputs), step + 1
    if not samples:
        break
    held_out = (train_x, train_y) if test_x is None else (test_x, test_y)
    print(f"epoch {{epoch + 1}}  loss {{{mean}:.4f}}  measured {{measure(*held_out):.4f}}")

torch.save(model.state_dict(), Path(__file__).with_suffix(".pth"))
'''

_THREADS = "THREADS = {threads}  # changes of the number of CPU threads: first step, threads\n"

_SET_THREADS = """        if step + 1 in THREADS:
            torch.set_num_threads(THREADS[step + 1])
"""


def loop_code(context: ProbeContext, source: LectureSource) -> str:
    """The code of the fourth step, for the steps that the run trained."""
    hp, size = context.settings.hyperparameters, len(context.train)
    batch = context.batch_size
    drop = bool(getattr(hp, "drop_last", False))
    steps = size // batch if drop else -(-size // batch)
    threads = context.threads()
    augment = getattr(hp, "augment", "none")
    alternates, varies = augment == ALTERNATING, augment not in ("none", ALTERNATING)
    backward = source.declared("backward")
    is_sum = reduction_of(context.criterion) == "sum"
    indented = "            "  # inside a `with` or an `if` of the closure
    call = f"{backward}(model, inputs, targets)" if backward else "loss.backward()"
    has_own_optimizer = context.settings.lecture.optimizer is not None  # may need no gradient
    guard = "" if backward or not has_own_optimizer else f"if torch.is_grad_enabled():\n{indented}"
    clip = f"        nn.utils.clip_grad_norm_(model.parameters(), {literal(hp.clip_grad_norm)})\n"
    forward = "loss = criterion(model(inputs), targets)"
    if context.settings.options.precision == "bf16":
        forward = f"with torch.autocast(device.type, dtype=torch.bfloat16):\n{indented}{forward}"
    spans = context.spans or ((0, hp.epochs * steps),)
    groups = parameter_groups(context.settings.lecture, context.model, hp)
    return _LOOP.format(
        epochs=hp.epochs,
        batch=batch,
        per_epoch=steps,
        last=_steps_taken(context),
        changes=literal(dict(context.lr_changes())),
        threads=_THREADS.format(threads=literal(threads)) if len(threads) > 1 else "",
        set_threads=_SET_THREADS if len(threads) > 1 else "",
        lr=literal(hp.lr),
        order=_order(hp, size),
        factor=_factor(hp, steps, spans),
        group_factors=_group_factors(hp, steps, spans, groups),
        set_lrs=_SET_GROUP_LRS if groups else _SET_LR,
        vary=f"    epoch_x = picked(train_x, *alternation(train_x.shape, epoch, {hp.seed}))\n"
        if alternates
        else "",
        inputs="epoch_x" if alternates else "train_x",
        augment="        inputs = augmented(inputs, HYPERPARAMETERS.augment)\n" if varies else "",
        forward=forward,
        backward=f"{guard}{call}",
        clip=clip if hp.clip_grad_norm else "",
        total="loss" if is_sum else "loss * len(inputs)",
        mean="total" if is_sum else "total / samples",
        measure=_measure(context),
    )


def _steps_taken(context: ProbeContext) -> int:
    """The steps that the run trained: fewer than planned if it was stopped."""
    last = last_event(context.folder.metrics, StepsCompleted)
    return last.first_step + len(last.losses) - 1 if last is not None else 0


def _order(hp: Hyperparameters, size: int) -> str:
    if not hp.shuffle:
        return f"torch.arange({size})"
    return (
        f"torch.randperm({size}, generator=torch.Generator().manual_seed(\n"
        f"        ({hp.seed} + (epoch + 1) * 0x{SEED_STRIDE:X}) % 2**63))"
    )


_SET_LR = """\
        for group in optimizer.param_groups:
            group["lr"] = lr * lr_factor(step)"""

_SET_GROUP_LRS = """\
        for group, (scale, factor) in zip(optimizer.param_groups, GROUP_FACTORS, strict=True):
            group["lr"] = lr * (scale * factor(step))"""


def _group_factors(
    hp: Hyperparameters, steps: int, spans: tuple[Span, ...], groups: Sequence[ParameterGroup]
) -> str:
    """The code that defines GROUP_FACTORS, and the schedules that differ from the run's."""
    if not groups:
        return ""
    names: dict[tuple[str | None, float], str] = {(None, 1.0): "lr_factor"}
    functions, pairs = [], []
    for group in groups:
        key = group.lr_schedule, group.share
        if key not in names:
            names[key] = f"lr_factor_{len(names) + 1}"
            body = _factor(hp, steps, spans, *key)
            functions.append(f"def {names[key]}(step):\n    {body}\n\n\n")
        pairs.append(f"    ({literal(group.lr_factor)}, {names[key]}),\n")
    comment = "# For each group of weights: the factor of its lr, and its schedule."
    return f"{''.join(functions)}{comment}\nGROUP_FACTORS = (\n{''.join(pairs)})\n\n\n"


def _factor(
    hp: Hyperparameters,
    steps: int,
    spans: tuple[Span, ...],
    kind: str | None = None,
    length: float = 1.0,
) -> str:
    """The body of `lr_factor`, which computes it from `step`; or that of another `kind` of
    schedule, which ends after a share `length` of the run.
    """
    whole = "last - first" if length == 1.0 else f"(last - first) * {literal(length)}"
    share = f"""first, last = max(span for span in {literal(spans, indent=4)} if span[0] <= step)
    share = min(1.0, (step - first) / max(1, {whole}))
    """
    match kind or hp.lr_schedule:
        case "step":
            return f"return {literal(hp.lr_gamma)} ** (step // {steps} // {hp.lr_step_epochs})"
        case "milestones":
            passed = f"sum(step // {steps} >= epoch for epoch in {literal(hp.lr_milestones)})"
            return f"return {literal(hp.lr_gamma)} ** {passed}"
        case "linear":
            return f"{share}return 1.0 - share"
        case "cosine":
            return f"{share}return (1 + math.cos(math.pi * share)) / 2"
        case "one-cycle":
            up = "1 + (1 / 25 - 1) * (1 + math.cos(math.pi * share / 0.3)) / 2"
            down = "1 / 25e4 + (1 - 1 / 25e4) * (1 + math.cos(math.pi * (share - 0.3) / 0.7)) / 2"
            return f"{share}if share < 0.3:\n        return {up}\n    return {down}"
    return "return 1.0"


def _measure(context: ProbeContext) -> str:
    match context.data.spec.task:
        case "binary":
            right = "((outputs > 0) == (targets > 0.5)).float().mean().item()"
        case "multiclass":
            right = "(outputs.argmax(dim=1) == targets).float().mean().item()"
        case _:
            right = "criterion(outputs, targets).item()"
    return right
