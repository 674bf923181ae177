"""Workers, and stores, that don't answer: a request that would wait for one in vain fills this worker, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

ASK_AGAIN_S: Final = 1.0
"""How often one request finds out whether a silent worker is back."""


class Silence:
    """Remembers of each worker, by its url, whether it let a request time out, and has answered none since."""

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._heard_s: dict[str, float] = {}
        self._asked_s: dict[str, float] = {}

    def may_ask(self, url: str) -> bool:
        """Whether a request may go to `url`: any, or, while it is silent, one in `ASK_AGAIN_S`."""
        asked_s = self._asked_s.get(url)
        if asked_s is None:
            return True
        if self._now_s() - asked_s < ASK_AGAIN_S:
            return False
        self._asked_s[url] = self._now_s()
        return True

    @contextmanager
    def asking(self, url: str) -> Iterator[None]:
        """Around a request to `url`: notes how it ends. A connection that is refused or lost is an answer, too."""
        began_s = self._now_s()
        try:
            yield
        except TimeoutError:
            if self._heard_s.get(url, 0.0) < began_s:
                self._asked_s[url] = self._now_s()
            raise
        except OSError:
            self._heard(url)
            raise
        self._heard(url)

    def _heard(self, url: str) -> None:
        self._heard_s[url] = self._now_s()
        self._asked_s.pop(url, None)
