"""The real worker, whose agent of the orders ends once the file MORTAL is there: as if somebody had cancelled it."""

import asyncio
import os
from pathlib import Path
from typing import Any

from app.delivery import Participant
from app.main import app

__all__ = ["app"]

MORTAL = Path(os.environ["MORTAL"])
turn = Participant._turn


async def mortal_turn(participant: Participant) -> Any:
    async def until_told() -> None:
        while not await asyncio.to_thread(MORTAL.exists):
            await asyncio.sleep(0.05)

    if participant is not app.participants[f"{os.environ['TOPIC_PREFIX']}orders"]:
        return await turn(participant)
    at_work, told = asyncio.ensure_future(turn(participant)), asyncio.ensure_future(until_told())
    await asyncio.wait({at_work, told}, return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        raise asyncio.CancelledError
    told.cancel()
    return at_work.result()


Participant._turn = mortal_turn  # type: ignore[method-assign]
