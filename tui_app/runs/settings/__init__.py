"""The settings and options of a run: from variables and tutorch.toml, resolved, recorded, swept."""
