"""Training, without any terminal: a generator of events, and what it needs.

`prepare` turns settings into a Training, `train` goes through it and yields events, and everything
that shows, prints or records them is a listener.
"""

import os

# Threads that wait for each other are to sleep. Spinning, as is OpenMP's default, keeps a core from
# the very thread that is waited for as soon as anything else runs on the machine. OpenMP reads this
# when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
