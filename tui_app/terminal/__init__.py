"""The terminal and the standard streams: printing, signals, filters, the driver of the app."""
