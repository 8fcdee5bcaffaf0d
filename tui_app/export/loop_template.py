"""The fourth step of a script, with places for what a run has of its own."""

LOOP = '''
# 4. Training

EPOCHS, BATCH_SIZE, STEPS_PER_EPOCH, LAST_STEP = {epochs}, {batch}, {per_epoch}, {last}
LR_CHANGES = {changes}  # set by hand during the run: first step, lr


def order(epoch):
    """The samples of an epoch in the order they are met."""
    return {order}


def lr_factor(step):
    """The lr schedule: what the lr is multiplied with after so many steps."""
    {factor}


def take_step(inputs, targets):
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
    for rows in order(epoch).split(BATCH_SIZE)[:STEPS_PER_EPOCH]:
        if step == LAST_STEP:
            break
        lr = LR_CHANGES.get(step + 1, lr)
        for group in optimizer.param_groups:
            group["lr"] = lr * lr_factor(step)
        inputs, targets = train_x[rows.to(device)], train_y[rows.to(device)]
{augment}        loss = take_step(inputs, targets)
        losses.append(loss)
        total, samples, step = total + {total}, samples + len(inputs), step + 1
    if not samples:
        break
    held_out = (train_x, train_y) if test_x is None else (test_x, test_y)
    print(f"epoch {{epoch + 1}}  loss {{{mean}:.4f}}  measured {{measure(*held_out):.4f}}")

torch.save(model.state_dict(), Path(__file__).with_suffix(".pth"))
'''
