"""The main screen, built of layers that each add one task: panes, own data, lecture, repeat."""
