"""A clock for those who are given one."""


class Clock:
    """Stands still but for what a test does to `now_s`, in seconds."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s
