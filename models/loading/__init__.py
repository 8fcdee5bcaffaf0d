"""Makes lectures of their files: imports them, or writes one for a plain nn.Module."""
