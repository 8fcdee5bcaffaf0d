"""The user's own data as data sets: `csv:FILE` and `folder:DIR`."""
