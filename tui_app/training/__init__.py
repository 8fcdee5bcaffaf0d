"""Training, independent of any terminal: a generator of events, and what it needs.

`prepare` turns settings into a Training, `train` runs it and yields events, and everything that
shows, prints or records them is a listener.
"""

import os

# How long a thread of GNU's OpenMP spins before it sleeps while it waits for the others of a layer,
# in turns of a loop: several milliseconds, more than there are between two layers or two steps.
# Waking a thread takes as long as a small layer. A run uses several threads only while this pays
# (see `thread_choice`). Other OpenMP runtimes spin for 200 ms as they are; OMP_WAIT_POLICY=ACTIVE
# would let theirs spin for ever. OpenMP reads the variable when torch is imported.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "200000")
