"""A play: the clock, the session, rewinding and capture."""
