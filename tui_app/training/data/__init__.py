"""The data of a run: checked, on the device, in batches and in order."""
