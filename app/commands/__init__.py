"""One file a command: a dataclass of its options, whose field docs are its help, with a `run`."""
