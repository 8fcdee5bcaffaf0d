"""Lets several processes, called ranks, train one run together."""
