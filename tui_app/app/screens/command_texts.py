"""Describes in a sentence what each key does, for the page of keys and the command palette."""

from __future__ import annotations

from textual.binding import Binding

from tui_app.app.widgets.adjustable_chart import action_of_chart

#: By action, as in bindings; with the class if the action means different things in two classes.
_SENTENCES = {
    # everywhere
    "quit": "Leave tutorch",
    "keys": "Show the keys of this screen",
    "help_here": "Show help for this screen or pane",
    "command_palette": "Search all commands, lectures and views",
    "app.pop_screen": "Go back",
    "back": "Go back",
    # controlling a run
    "pause": "Pause training",
    "go_on": "Continue training",
    "one_step": "While paused: train one step",
    "one_epoch": "While paused: train to the end of the epoch",
    "change_lr": "Change the learning rate",
    "save": "Save a checkpoint now",
    "stop_and_leave": "Stop and save, then leave",
    "stop": "Stop and save; while loading: cancel",
    "apply_advice": "Set the form as the advice says",
    # the main screen
    "start": "Start training with these settings",
    "find_lr": "Find a learning rate for these settings",
    "SearchDialog.start": "Start the search",
    "runs": "Show all runs",
    "one_or_all": "Show one run, or all runs of the sweep",
    "language": "Show lessons in Chinese, or in English",
    "attach": "Attach to a run that trains in the background",
    "source": "Show the lecture's source file",
    "own_data": "Learn from your own table (CSV) or images (folder)",
    # charts
    "smooth(1)": "Smooth the curve more",
    "smooth(-1)": "Smooth the curve less",
    "log": "Switch to a logarithmic scale, or back",
    "axis": "Switch the x axis: steps, epochs or seconds",
    "panels": "Show loss, accuracy, or both",
    "front(-1)": "Bring the previous run to the front",
    "front(1)": "Bring the next run to the front",
    "metric": "Compare another metric",
    "move(-1)": "Read values off the chart",
    "move(1)": "Read values off the chart",
    "move(-10)": "Read values off, ten points at a time",
    "move(10)": "Read values off, ten points at a time",
    "no_cursor": "Stop reading values off",
    # settings
    "open": "Choose from the list",
    "step(-1)": "Change to the next choice, or the previous",
    "step(1)": "Change to the next choice, or the previous",
    "reset": "Reset this field",
    "reset_all": "Reset all fields",
    "FormFocus.move(1)": "Go to the next field, or the previous",
    "FormFocus.move(-1)": "Go to the next field, or the previous",
    "leave_field": "Leave the field",
    "leave_choice": "Leave the field",
    "edit": "Edit the field",
    "redo": "Redo the change that was undone",
    # the Model pane
    "view(1)": "Open the next view",
    "view(-1)": "Open the previous view",
    "pick": "Choose a view from a list",
    "go('left')": "Go to the next place in the view, or back",
    "go('right')": "Go to the next place in the view, or back",
    "go('up')": "Go to the place above or below",
    "go('down')": "Go to the place above or below",
    "go('shift+left')": "By hand: move a little",
    "go('shift+right')": "By hand: move a little",
    "go('shift+up')": "By hand: move a little",
    "go('shift+down')": "By hand: move a little",
    "go('pagedown')": "Go ten places on, or back",
    "go('pageup')": "Go ten places on, or back",
    "go('home')": "Go to the first place; by hand: restart",
    "go('end')": "Go to the last place",
    "enter": "Zoom in, or type",
    "move(-1, 0)": "Move the pen",
    "move(1, 0)": "Move the pen",
    "move(0, -1)": "Move the pen",
    "move(0, 1)": "Move the pen",
    "pen": "Lower the pen, or lift it",
    "clear": "Clear the drawing",
    "model": "Show the model, or the chart again",
    # the log
    "search": "Search the log",
    "next": "Go to the next line found",
    "copy": "Copy the whole log",
    "close_search": "End the search",
    # the runs
    "facts": "Show the run's settings and note, or the log",
    "scroll_top": "Go to the first run",
    "scroll_bottom": "Go to the last run",
    "mark": "Mark the run, or unmark it",
    "compare": "Compare the marked runs",
    "resume": "Resume the run where it stopped",
    "extend": "Train the run for more epochs",
    "again": "Set the form as this run was set",
    "note": "Write a note on the run",
    "discard": "Move the run to the trash",
    "undo": "Undo the last change",
    "filter": "Filter the runs",
    "sort": "Sort by the next column",
    # studies
    "studies": "Show the studies: searches for hyperparameters",
    "app.focus_next": "Go to the next field, or the previous",
    "app.focus_previous": "Go to the next field, or the previous",
    "open_study": "Open the study",
    "open_trial": "Open the run of the trial",
    "use_best": "Set the form as the best trial was set",
    "stop_search": "Stop the search; its trials save first",
    "continue_search": "Continue the search",
    "turn(1)": "Show another setting in the chart",
    "turn(-1)": "Show another setting in the chart",
    "StudyScreen.sort": "Show the best trials first, or the newest",
    # the user's own data
    "PickPath.move(1)": "Go to the next file, or the previous",
    "PickPath.move(-1)": "Go to the next file, or the previous",
    "LineList.move(1)": "Go to the next line, or the previous",
    "LineList.move(-1)": "Go to the next line, or the previous",
    "page(1)": "Go to the next page, or the previous",
    "page(-1)": "Go to the next page, or the previous",
    "end_of_list(-1)": "Go to the first line, or the last",
    "end_of_list(1)": "Go to the first line, or the last",
    "complete": "Complete what is typed",
    "all": "Show hidden files and those of other kinds, or not",
    "choose": "Choose these data",
    "target": "Predict this column",
    "use": "Leave the column out, or use it",
    "image(-1)": "Show another image of the class",
    "image(1)": "Show another image of the class",
    # dialogs
    "leave": "Cancel",
    "other_lr(-1)": "Choose another learning rate",
    "other_lr(1)": "Choose another learning rate",
    "LrFindDialog.choose": "Put the learning rate into the form",
    "app.help_here": "Show help for this dialog",
    "app.quit": "Leave tutorch",
}


def sentence_of(binding: Binding, kind: type) -> str:
    """Describe what the key of `binding` does on a screen or widget of class `kind`."""
    if binding.action.startswith("pane("):
        return f"Go to {binding.description}"
    action = action_of_chart(binding.action)
    names = [*(f"{each.__name__}.{action}" for each in kind.__mro__), action]
    return next((_SENTENCES[n] for n in names if n in _SENTENCES), binding.description)
