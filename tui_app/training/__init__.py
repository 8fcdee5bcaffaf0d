"""Training, independent of any terminal: a generator of events, and what it needs.

`prepare` turns settings into a Training, `train` runs it and yields events, and everything that
shows, prints or records them is a listener.
"""

import os

# Threads that wait for each other sleep. By default OpenMP's threads spin, and take the core from
# the thread they wait for as soon as anything else runs on the machine. OpenMP reads this variable
# when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
