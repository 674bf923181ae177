"""Single sends for request handlers: a short time-out, and a quick no while the broker is away."""

from app.delivery.contract import Delivered, Send


class Front:
    """One librdkafka producer for requests, apart from the slices' own."""

    async def send(self, message: Send, timeout_s: float | None = None) -> Delivered:
        """Send one record and return where it stands, once all in-sync replicas have it.

        Raises `Unavailable` after `timeout_s` (default and at most the app's `front_timeout_s`), or at
        once while the broker is known to be away.
        """
        raise NotImplementedError
