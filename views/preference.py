"""`Prefer: wait=N` (RFC 7240): how long a client would like to wait for its order to come to rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDictProxy

LONGEST_WAIT_S: Final = 30
_WAIT: Final = re.compile(r"\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:;.*)?", re.IGNORECASE)


def wait_s(headers: CIMultiDictProxy[str]) -> int:
    """Seconds the client would like to wait, at most `LONGEST_WAIT_S`; 0 without a preference that can be read."""
    for preference in ",".join(headers.getall("Prefer", [])).split(","):
        wait = _WAIT.fullmatch(preference)
        if wait is not None:
            return min(int(wait[1]), LONGEST_WAIT_S)  # of several, the first counts
    return 0


def applied(wait: int) -> Mapping[str, str]:
    """The header that says that the preference was heeded."""
    return {"Preference-Applied": f"wait={wait}"} if wait else {}
