"""What is nearly right on the command line: the sentence names what was probably meant."""

from __future__ import annotations

import pytest

from tests.program import tutorch


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("resme last", "did you mean `tutorch resume` or lecture_11_resnet?"),
        ("run", "did you mean `tutorch runs` or lecture_12_rnn_basics?"),
        ("eval last", "did you mean `tutorch evaluate`?"),
        ("lectuers", "did you mean `tutorch lectures`?"),
        ("sofmax", "did you mean lecture_09_softmax_classifier?"),
        ("trian", "name the lecture to train, as in `tutorch softmax`"),
        ("train", "name the lecture to train"),
        ("--json runs", "a command comes first: `tutorch runs ...`"),
        ("qqq", "`tutorch --help` lists the commands, `tutorch lectures` the lectures"),
    ],
)
def test_a_wrong_word_brings_the_nearest_command_and_lecture(argv: str, said: str):
    ended = tutorch(*argv.split())
    assert (ended.exit_code, ended.out) == (2, "")
    assert said in ended.err
