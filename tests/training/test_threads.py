"""How many threads a run gets, from the multiply-adds of its layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tui_app.training.devices import threads
from tui_app.training.devices.threads import choose_threads
from tui_app.training.multiply_adds import MultiplyAddCounter


def test_small_layers_get_one_thread_and_a_given_number_is_kept(monkeypatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    assert choose_threads("auto", 1e3)[0] == 1
    assert choose_threads(3, 1e3)[0] == 3
    assert choose_threads("auto", 1e8)[0] == 3
    assert choose_threads("auto", 1e12)[0] == 8


def test_a_recurrent_layers_operations_are_its_time_steps() -> None:
    class Recurrent(nn.Module):
        def __init__(self, packed: bool, batch_first: bool) -> None:
            super().__init__()
            self.packed = packed
            self.layer = nn.GRU(4, 8, 2, batch_first=batch_first)

        def forward(self, inputs: Tensor) -> Tensor:
            if not self.packed:
                return self.layer(inputs)[0].sum()
            packed = nn.utils.rnn.pack_padded_sequence(inputs, torch.tensor([5, 5]))
            return self.layer(packed)[0].data.sum()

    one_step = 3 * 8 * (4 + 8 + 8 + 8) / 2  # three gates, of inputs and of hidden states
    for packed, batch_first, shape in [
        (False, False, (5, 2, 4)),
        (False, True, (2, 5, 4)),
        (True, False, (5, 2, 4)),
    ]:
        samples = torch.zeros(shape)
        model = Recurrent(packed, batch_first)
        with torch.no_grad(), MultiplyAddCounter() as counter:
            model(samples)
        assert counter.per_operation == 2 * one_step
