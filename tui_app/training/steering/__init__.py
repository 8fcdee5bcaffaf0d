"""How a run is steered while it trains: from this process, and over a socket from another one."""
