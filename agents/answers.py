"""Answers: remembers what was answered to each request that came with an Idempotency-Key."""

from __future__ import annotations

from typing import Any

from app import topics
from app.delivery import Participant
from app.main import app, settings
from app.participants.answers import AnswerClock, decide
from tables import answers as table

clock = AnswerClock(kept_ms=int(settings.answer_kept_s * 1000))
participant = Participant(app, topics.ANSWERS, table, decide, park=topics.park, clock=clock)


@app.agent(topics.answers, name="answers")
async def answers(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
