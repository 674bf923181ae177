"""A worker that lets a request time out is asked once in a while, until it answers."""

from contextlib import suppress

import pytest

from tests.unit.clock import Clock
from views.silence import ASK_AGAIN_S, Silence

URL = "http://a:1"


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def silence(clock: Clock) -> Silence:
    return Silence(clock)


def time_out(silence: Silence, clock: Clock, after_s: float = 5.0) -> None:
    with suppress(TimeoutError), silence.asking(URL):
        clock.now_s += after_s
        raise TimeoutError


def answer(silence: Silence) -> None:
    with silence.asking(URL):
        pass


def test_whoever_answers_is_asked_by_all(silence: Silence) -> None:
    for _ in range(3):
        assert silence.may_ask(URL)
        answer(silence)


def test_of_a_silent_worker_one_request_at_a_time_finds_out_whether_it_is_back(silence: Silence, clock: Clock) -> None:
    time_out(silence, clock)
    assert not silence.may_ask(URL)
    assert silence.may_ask("http://another:1")
    clock.now_s += ASK_AGAIN_S
    assert silence.may_ask(URL)
    assert not silence.may_ask(URL)
    answer(silence)
    assert silence.may_ask(URL)
    assert silence.may_ask(URL)


def test_a_lost_connection_is_not_silence(silence: Silence, clock: Clock) -> None:
    time_out(silence, clock)
    with pytest.raises(ConnectionResetError), silence.asking(URL):
        raise ConnectionResetError
    assert silence.may_ask(URL)


def test_one_slow_answer_among_others_is_not_silence(silence: Silence, clock: Clock) -> None:
    with suppress(TimeoutError), silence.asking(URL):
        clock.now_s += 2.0
        answer(silence)
        clock.now_s += 2.0
        raise TimeoutError
    assert silence.may_ask(URL)


def test_a_client_that_goes_away_tells_nothing(silence: Silence, clock: Clock) -> None:
    time_out(silence, clock)
    with pytest.raises(KeyboardInterrupt), silence.asking(URL):
        raise KeyboardInterrupt
    assert not silence.may_ask(URL)
