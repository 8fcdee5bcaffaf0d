"""Which view of a model is shown, before and after the user chooses one."""

from __future__ import annotations

from tui_app.app.widgets.view_choice import ViewChoice
from tui_app.views import load_view
from tui_app.views.offered import FIRST

NAMES = (FIRST, "kernels", "confusion")


def test_a_trained_model_begins_with_what_it_learned():
    choice = ViewChoice()
    choice.set_names(NAMES, is_trained=True)
    assert choice.chosen == "kernels"
    assert choice.titles[1] == ("kernels", load_view("kernels").title)
    choice.set_names(NAMES, is_trained=False)
    assert choice.chosen == "kernels"  # another model with the view: it stays


def test_an_untrained_model_begins_with_the_data():
    choice = ViewChoice()
    choice.set_names(NAMES, is_trained=False)
    assert choice.chosen == FIRST
    assert choice.after(-1) == "confusion"


def test_a_view_that_the_user_chose_is_kept():
    choice = ViewChoice()
    choice.request("confusion")
    choice.set_names(NAMES, is_trained=True)
    assert choice.chosen == "confusion"
    assert not choice.reject(None)
    choice.choose("kernels")
    assert not choice.reject(None) and choice.chosen == "kernels"
