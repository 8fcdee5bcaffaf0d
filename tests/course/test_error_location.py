"""Messages name the line of the user's own file, from any place in the call stack."""

import threading

import pytest
import torch

from models.user_files.error_location import is_user_code, locate_error, user_traceback

NET = """
import torch

def forward(x):
    return torch.nn.functional.linear(x, torch.zeros(3, 3))
"""


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "my_net.py"
    path.write_text(NET)
    names = {}
    exec(compile(NET, str(path), "exec"), names)
    return names


def raised(function, *values) -> Exception:
    with pytest.raises(RuntimeError) as caught:
        function(*values)
    return caught.value


def test_an_error_inside_torch_is_located_at_the_users_line_that_called_it(net):
    place = locate_error(raised(net["forward"], torch.zeros(2, 4)))
    assert place is not None
    assert str(place) == "my_net.py line 5, in forward"
    assert place.text == "return torch.nn.functional.linear(x, torch.zeros(3, 3))"


def test_a_syntax_error_is_located_at_its_line(tmp_path):
    path = tmp_path / "my_net.py"
    with pytest.raises(SyntaxError) as caught:
        compile("x = 1\ny = (\n", str(path), "exec")
    assert str(locate_error(caught.value)) == "my_net.py line 2"


def test_the_traceback_begins_at_the_users_code(net):
    lines = user_traceback(raised(net["forward"], torch.zeros(2, 4)))
    assert lines[0] == "Traceback (most recent call last):"
    assert "my_net.py" in lines[1]
    assert not any("test_error_location" in line for line in lines)


def test_an_error_without_user_code_keeps_its_whole_traceback():
    error = raised(torch.nn.Linear(3, 3), torch.zeros(2, 4))
    assert locate_error(error) is None
    assert any("test_error_location" in line for line in user_traceback(error))


def test_libraries_and_tutorch_arent_user_code():
    from tui_app.training import loop

    for file in (torch.__file__, threading.__file__, loop.__file__, "<frozen importlib>", ""):
        assert not is_user_code(file)
