"""Which devices and how many threads a run trains on."""
