"""Reading a garden's state off its pictures."""


class Reader:
    def __init__(self, size: int) -> None:
        self.size = size
