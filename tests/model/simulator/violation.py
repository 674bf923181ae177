"""A promise that was not kept."""

from __future__ import annotations


class Violation(AssertionError):
    """`subject` is the order or product it is about."""

    def __init__(self, subject: str, what: str) -> None:
        super().__init__(f"{subject}: {what}")
        self.subject = subject
