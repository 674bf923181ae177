"""The faults: what is done to the system, in an order and for times that a seed chooses."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tests.chaos.system import SESSION_S, System

Fault = Callable[[System, random.Random, float], str]
"""Does it, stretched by the factor (1: as in a long run), until it is over; returns what exactly was done."""


class Done(NamedTuple):
    """A fault that was done, and when: seconds from the start of the load."""

    kind: str
    what: str
    began_s: float
    ended_s: float


def _pick(system: System, chance: random.Random, count: int = 1) -> list[int]:
    system.rest(0)
    living = system.living()
    return chance.sample(living, min(count, len(living)))


def kill(system: System, chance: random.Random, stretch: float) -> str:
    """SIGKILL one or two workers, and start them again after a while."""
    victims = _pick(system, chance, chance.choice((1, 1, 2)))
    for victim in victims:
        system.kill(victim)
    down_s = chance.choice((0.0, 8.0 * stretch * chance.random()))
    system.rest(down_s)
    for victim in victims:
        system.start(victim)
    return f"workers {[it + 1 for it in victims]} killed, started again after {down_s:.1f} s"


def terminate(system: System, chance: random.Random, _stretch: float) -> str:
    """SIGTERM a worker, and start it again."""
    for victim in (victims := _pick(system, chance)):
        system.term(victim)
        system.start(victim)
    return f"workers {[it + 1 for it in victims]} ended and started"


def pause(system: System, chance: random.Random, stretch: float) -> str:
    """SIGSTOP a worker for longer than its session, then SIGCONT."""
    paused_s = SESSION_S + 2 + 6 * stretch * chance.random()
    for victim in (victims := _pick(system, chance)):
        system.pause(victim)
        system.rest(paused_s)
        system.resume(victim)
    return f"workers {[it + 1 for it in victims]} stood still for {paused_s:.1f} s"


def join_and_leave(system: System, chance: random.Random, stretch: float) -> str:
    """One more worker comes, works for a while, and leaves."""
    guests = [number for number in range(3, len(system.workers)) if not system.workers[number].alive]
    if guests:
        guest = guests[0]
        system.start(guest)
    else:
        guest = system.add()
    stays_s = 6 + 8 * stretch * chance.random()
    system.rest(stays_s)
    system.term(guest)
    return f"worker {guest + 1} was there for {stays_s:.1f} s"


def stop_broker(system: System, chance: random.Random, stretch: float) -> str:
    """SIGTERM the broker, and start it again."""
    away_s = 8 * stretch * chance.random()
    with system.without_broker():
        system.kafka.stop()
        system.rest(away_s)
    return f"broker stopped, started again after {away_s:.1f} s"


def kill_broker(system: System, chance: random.Random, stretch: float) -> str:
    """SIGKILL the broker, and start it again."""
    away_s = 5 * stretch * chance.random()
    with system.without_broker():
        system.kafka.kill()
        system.rest(away_s)
    return f"broker killed, started again after {away_s:.1f} s"


def stop_mongo(system: System, _chance: random.Random, stretch: float) -> str:
    """SIGTERM the database, and start it again; it is away for half a minute in a long run."""
    away_s = 5 + 25 * stretch
    system.mongo.stop()
    system.rest(away_s)
    system.mongo.start()
    return f"MongoDB stopped for {away_s:.1f} s"


def kill_mongo(system: System, chance: random.Random, stretch: float) -> str:
    """SIGKILL the database, and start it again."""
    away_s = 8 * stretch * chance.random()
    system.mongo.kill()
    system.rest(away_s)
    system.mongo.start()
    return f"MongoDB killed, started again after {away_s:.1f} s"


def hang_gateway(system: System, chance: random.Random, stretch: float) -> str:
    """The gateway, the carrier and the database take calls and don't answer."""
    hangs_s = 4 + 8 * stretch * chance.random()
    system.signal_mongo(signal.SIGSTOP)
    system.rest(hangs_s)
    system.signal_mongo(signal.SIGCONT)
    return f"gateway and MongoDB hang for {hangs_s:.1f} s"


FAULTS: Final[dict[str, Fault]] = {
    "kill -9 of workers": kill,
    "SIGTERM of a worker": terminate,
    "SIGSTOP beyond the session": pause,
    "a worker joins and leaves": join_and_leave,
    "broker stopped": stop_broker,
    "broker killed": kill_broker,
    "MongoDB stopped": stop_mongo,
    "MongoDB killed": kill_mongo,
    "gateway hangs": hang_gateway,
}
SECONDS_A_FAULT: Final = 20
_OFTEN: Final = ("kill -9 of workers", "kill -9 of workers", "SIGTERM of a worker", "SIGSTOP beyond the session")


def sequence(chance: random.Random) -> Iterator[str]:
    """Kinds of faults without end: rounds of all of them, in ever new orders; workers suffer most."""
    first = True
    while True:
        kinds = [*FAULTS, *(() if first else _OFTEN)]
        chance.shuffle(kinds)
        yield from kinds
        first = False


def torment(
    system: System, chance: random.Random, seconds: float, stretch: float, began: float, tell: Callable[[str], None]
) -> list[Done]:
    """One fault after the other, with pauses in between, until so many seconds are over and enough was done.

    Enough is each kind once, and a fault for each 20 s.
    """
    done: list[Done] = []
    kinds = sequence(chance)
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(done) < max(len(FAULTS), seconds / SECONDS_A_FAULT):
        system.rest(2 + 10 * stretch * chance.random())
        done.append(_do(next(kinds), system, chance, stretch, began, tell))
    return done


def torment_workers(
    system: System, chance: random.Random, going: Callable[[], bool], began: float, tell: Callable[[str], None]
) -> list[Done]:
    """Kill workers, end one now and then, for as long as `going`; some before they have come to terms with the last."""
    done: list[Done] = []
    while going():
        system.rest(2 + 8 * chance.random())
        kind = "SIGTERM of a worker" if len(done) % 3 == 2 else "kill -9 of workers"
        done.append(_do(kind, system, chance, 0.5, began, tell))
    return done


def _do(
    kind: str, system: System, chance: random.Random, stretch: float, began: float, tell: Callable[[str], None]
) -> Done:
    at_s = time.monotonic() - began
    what = FAULTS[kind](system, chance, stretch)
    tell(f"{at_s:7.1f} s  {kind}: {what}")
    return Done(kind, what, round(at_s, 1), round(time.monotonic() - began, 1))
