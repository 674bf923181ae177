"""The project's own app, whose broker takes as long to say what is committed as that of `plain_app`."""

from app.delivery.app import DrainTransport
from app.delivery.consumer import DrainConsumer
from app.main import app
from tests.integration.delivery.faults import SlowSeek

__all__ = ["app"]


class SlowConsumer(SlowSeek, DrainConsumer):
    pass


DrainTransport.Consumer = SlowConsumer
