"""Jobs of a cluster that train a run: their scripts, and what SLURM says of them."""
