"""The one error of the embedded parts: what went wrong, what to do about it, and the end of the part's log."""


class PartError(Exception):
    """A part can't be provided or started, for a reason that its user can act on.

    Takes one line of what happened, one line of what to do, and optionally the last lines of the part's own log.
    """

    def __init__(self, what: str, advice: str, log_tail: str = "") -> None:
        self.what = what
        self.advice = advice
        self.log_tail = log_tail
        super().__init__(what, advice, log_tail)

    def __str__(self) -> str:
        line = f"{self.what}. {self.advice}"
        return f"{line}\n{self.log_tail}" if self.log_tail else line
