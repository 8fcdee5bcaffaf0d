"""Training, without any terminal: a generator of events, and what it needs.

`prepare` turns settings into a Training, `train` goes through it and yields events, and everything
that shows, prints or records them is a listener.
"""
