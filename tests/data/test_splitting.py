"""Held-out rows are seeded, stratified, and the same in every version of tutorch."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from datasets.dataset import Data, DataSpec, Split
from datasets.reading.splitting import held_out_rows, split_off_validation


def labelled(count: int) -> Data:
    targets = np.random.RandomState(0).randint(0, 3, count)
    split = Split(np.arange(count, dtype=np.float32)[:, np.newaxis], targets.astype(np.int64))
    spec = DataSpec((1,), "multiclass", ("a", "b", "c"))
    return Data(spec, split, None, encode=lambda _: split.inputs[0], input_help="")


def digest(rows: np.ndarray) -> str:
    return hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest()[:12]


def test_validation_is_held_out_by_seed_with_the_shares_of_the_classes() -> None:
    data = labelled(300)
    train, validation = split_off_validation(data, 0.1, seed=1)
    assert validation is not None
    assert (len(train), len(validation)) == (270, 30)
    shares = [np.bincount(split.targets) / len(split) for split in (data.train, validation)]
    np.testing.assert_allclose(shares[0], shares[1], atol=1 / 30)  # a sample
    again = split_off_validation(data, 0.1, seed=1)[1]
    other = split_off_validation(data, 0.1, seed=2)[1]
    assert again is not None
    assert other is not None
    assert np.array_equal(validation.inputs, again.inputs)
    assert not np.array_equal(validation.inputs, other.inputs)


def test_a_fraction_of_0_holds_nothing_out() -> None:
    data = labelled(30)
    assert split_off_validation(data, 0, seed=1) == (data.train, None)


def test_too_few_rows_are_named() -> None:
    with pytest.raises(ValueError, match=r"0\.01 doesn't suit 5 samples"):
        split_off_validation(labelled(5), 0.01, seed=0)


def test_the_rows_are_those_that_earlier_runs_were_trained_on() -> None:
    data = labelled(300)
    test = np.flatnonzero(held_out_rows(data.train.targets))
    validation = split_off_validation(data, 0.2, seed=5)[1]
    assert validation is not None
    assert (digest(test), digest(validation.inputs[:, 0])) == ("b052e2bdff93", "b6496c9a3fe8")
