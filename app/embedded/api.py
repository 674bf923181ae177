"""The few HTTP calls that the runner makes to a worker, by the public contract and the standard library alone."""

import http.client
import json
from typing import Any

API_KEY = "demo"
_TIMEOUT_S = 35.0


class WorkerApi:
    """A kept-open connection to the worker on `port` of the loopback address; not to be shared by threads."""

    def __init__(self, port: int, timeout_s: float = _TIMEOUT_S) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON object of the answer; status 0 when the worker did not answer at all.

        An answer that is no JSON object is given as an empty one.
        """
        content = None if body is None else json.dumps(body)
        headers = {"x-api-key": API_KEY, "content-type": "application/json", "accept": "application/json"}
        try:
            self._connection.request(method, path, content, headers)
            response = self._connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException):
            # Not listening yet, or just gone: the next call connects anew.
            self._connection.close()
            return 0, {}
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = {}
        return response.status, answer if isinstance(answer, dict) else {}

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        self._connection.close()


def is_ready(port: int) -> bool:
    """Whether the worker on `port` says that it is ready to serve."""
    api = WorkerApi(port, timeout_s=5.0)
    try:
        return api.call("GET", "/health/ready")[0] == 200
    finally:
        api.close()
