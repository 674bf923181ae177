"""Measurements: `make bench`, or `python -m bench`. Nothing here is a test; what matters has a baseline beside it."""
