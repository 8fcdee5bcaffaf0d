"""The terminal and the standard streams: printing, signals, filters, the app's driver."""
