"""The help for each pane, screen and dialog. `{action}` stands for the key bound to an action."""

from __future__ import annotations

#: By the id of a pane, else by the class of a screen or dialog, in small letters.
HELP = {
    "lectures": """\
**Lectures.** The course in its order. The arrow keys move through the list: the lesson and the
settings of each lecture appear. Enter goes to its settings. A green dot marks a lecture that was
trained, with the best result so far.
""",
    "lesson": """\
**Lesson.** What the lecture teaches, with things to try. {language} switches between English and
Chinese, {source} shows the file that is trained.
""",
    "settings": """\
**Settings.** What the next run is trained with. Each value is checked as you type, and explained
below. A dot marks what differs from the lecture's defaults; {reset} resets a field, {reset_all} all
of them. {undo} undoes a change, also a reset and what {apply_advice} has set; {redo} redoes it.

Enter in a field goes to the next one. Escape leaves the field, so that digits and letters are keys
again; the arrow keys and Enter go back into it.

{find_lr} finds a learning rate: it tries many on a copy of the model, and shows the loss at each.

Several values with commas between them (`0.1,0.01`) make one run each, with the same seed, one
after another. In a list of choices, "several" at its end lets you type them.

A range (`1e-4..1`, or `1e-4..1:log` on a logarithmic scale) makes a search of the settings: {start}
asks for the number of trials, and each trial is a run. Choices for a search have bars between them
(`sgd|adam`). {studies} shows all searches.

**Your own data.** The list of data sets ends in "your own table" and "your own images";
{own_data} does the same, and shows the columns or classes of what is chosen. You can also type
`csv:FILE` or `folder:DIR`.

A lecture file of your own is loaded again after it changed: when you press Start, and when you pick
it.
""",
    "training": """\
**Training.** The chart of the run. The faint curve is the loss of each step, and the line is the
same smoothed (more with {smooth(1)}, less with {smooth(-1)}). {log} switches to a logarithmic
scale, {axis} between steps, epochs and seconds, {panels} between loss and accuracy. The arrow keys
move a cursor that reads values off.

While it trains: {pause} pauses and continues, {one_step} trains one step, {one_epoch} trains to the
end of the epoch, {change_lr} changes the learning rate, {save} saves, {stop} saves and stops.

A line that begins with `!` says what is wrong with the run, and {apply_advice} sets the form as it
advises.
""",
    "model": """\
**Model.** What the model is made of, what it has learned, and what it learns from. It is the model
of the run that trains, else the best model of the last run, else the model before training.
{view(-1)} and {view(1)} go to the view before and the next, {pick} lists them. The arrow keys go
from place to place (a sample, a layer, a cell of the matrix), Enter zooms in or lets you type,
Escape goes back.

**By hand** (lectures 2 and 3): the arrow keys move the weight, and the cost follows; with shift
they move it less, Home restarts.

**Draw** (lectures 9 to 11): with the mouse, or with the arrow keys after {pen} has lowered the pen;
{clear} clears.
""",
    "log": """\
**Log.** What happened in a run, and what libraries printed while it trained. {search} searches,
{next} goes to the next line found, {copy} copies all of it.
""",
    "runs": """\
**Runs.** Every run folder, also of runs trained without the app. Enter opens one. {mark} marks
several: {compare} compares them, {discard} moves them to the trash (or else the run at the cursor),
and {undo} brings back what was moved last. {resume} resumes a run, {extend} gives it more epochs,
{again} fills the form with its settings, {note} writes a note, {studies} shows searches. The lines
below the table show what it has no room for; an opened run shows all of its settings and its note.
{filter} filters the table and {sort} sorts it.
""",
    "run": """\
**One run.** Its chart and its log, read from its folder. If another program trains it, both grow,
and the keys of the Training pane pause, change, save and stop it. {model} shows what its best model
learned, and the chart again; {apply_advice} sets the form as the advice says. On a narrow terminal
{facts} shows the settings and the note in place of the log.
""",
    "studies": """\
**Studies.** Each search for hyperparameters in the runs folder, also of searches that were started
without the app. Enter opens one. A range in a field of the form starts a new one.
""",
    "study": """\
**One study.** A search for hyperparameters, and its trials. The chart on the left has the metric of
each trial and the best so far; the other one has one setting against the metric: {turn(1)} and
{turn(-1)} go to the next setting and to its importance. Enter opens the run of a trial, attached
while it trains. {use_best} sets the form as the best trial was set.

{stop_search} stops a search that this program has started, {continue_search} continues one. Leaving
tutorch stops no search.
""",
    "searchdialog": """\
**A search.** How many trials it has, how it ends bad ones early, and its name. The pruner `median`
ends a trial that is worse than half of the trials before it, `hyperband` ends most of them after a
few epochs, `none` ends none. Enter starts the search in a process of its own.
""",
    "compare": """\
**Compare.** The curves of the marked runs in one chart, named by the settings in which they differ.
{metric} changes the metric, {log} and {axis} the axes; {smooth(1)} and {smooth(-1)} smooth the
curves more or less.
""",
    "source": """\
**Source.** The file of the lecture as it is trained: the lesson, the model and its settings. The
arrow keys and Page Down scroll.
""",
    "choicequestion": """\
**A question.** Choose an answer with the arrow keys and Enter, or press its letter. Escape cancels.
""",
    "trustquestion": """\
**Code that isn't tutorch's.** Loading a lecture runs its file. Read this one before you trust it:
nothing keeps it from reading, changing or sending your files. Your answer is remembered until the
file changes; `tutorch doctor` says where. If you don't trust it, it isn't loaded, and you can be
asked again.
""",
    "pickfromlist": """\
**A list.** Choose with the arrow keys and Enter. Escape changes nothing.
""",
    "pickpath": """\
**A file or a folder.** Type its path, or a part of its name: the list shows what fits. The arrow
keys and Enter choose from the list, {complete} completes, Backspace behind a `/` goes to the folder
above. Names that begin with a dot appear once a dot is typed; {all} shows all files.
""",
    "tabledialog": """\
**A table.** Only its beginning is read. {target} chooses the column to predict, {use} leaves a
column out or uses it; Tab goes to the first rows. Enter sets the form to these data, Escape changes
nothing.
""",
    "folderdialog": """\
**A folder of images.** One folder a class; where there are folders called train and test, they are
the split. The arrow keys choose a class and another image of it. Enter sets the form to these data.
""",
    "lrfinddialog": """\
**A learning rate.** The lr rises with every step of one pass; the curve is the smoothed loss. It
falls fastest at *steepest*, and *valley* is the middle of its fall. Short trials at constant lrs
from the same first weights then find the limit: from there on the loss rises, or hardly falls. The
suggestion is the valley, or half of the limit if that is less. The arrow keys choose, Enter puts
the lr into the form. Nothing else of it stays.
""",
    "textquestion": """\
**A value.** Type it; what is wrong with it appears below. Enter: OK, Escape: cancel.
""",
}

#: Where the keys of the screen are listed; below the help for a pane or a screen.
ALL_KEYS = "{keys} shows all keys of this screen."
