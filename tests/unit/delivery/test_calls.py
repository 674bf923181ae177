"""The chains of calls beside a stream, turn by turn."""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from app.delivery.calls import Caller
from app.delivery.contract import Effects, Row, Rows, Send, Tell
from app.delivery.ranges import Range
from app.delivery.stats import Stats


class Gateway:
    """Answers when the test says so; a row is the list of what is still to be called."""

    limit = 2

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Future[str]] = {}
        self.tell: Tell

    def due(self, key: str, row: Row) -> Any | None:
        return row[0] if row else None

    async def perform(self, key: str, intent: Any, tell: Tell) -> Any:
        self.asked.append(f"{key}:{intent}")
        self.tell = tell
        self.answers[key] = asyncio.get_running_loop().create_future()
        return await self.answers[key]

    def settle(self, rows: Rows, key: str, answer: Any) -> Effects:
        return Effects(rows=[(key, rows[key][1:])])


class FakeTable:
    """One partition in memory, whose changelog is acknowledged at once."""

    changelog_topic_name = "changelog"

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def rows_of(self, partition: int) -> Rows:
        return self.rows

    def apply(self, partition: int, key: str, row: Row | None) -> None:
        self.rows[key] = row

    def encode(self, row: Row) -> bytes:
        return b""


class FakeSink:
    """Acknowledges at once."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def begin(self, *_: object) -> Any:
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return SimpleNamespace(send=lambda *told, **_: self.sent.append(told), done=lambda: acknowledged)


class World:
    def __init__(self) -> None:
        self.current = True
        self.table = FakeTable()
        self.gateway = Gateway()
        self.safe_keys: list[str] = []
        self.sink = FakeSink()
        app = SimpleNamespace(
            stats=Stats(),
            sink=self.sink,
            guard=SimpleNamespace(check=lambda where: None),
            drain=SimpleNamespace(is_current=lambda: self.current),
            spawn=lambda work, what: asyncio.ensure_future(work),
        )
        self.caller = Caller(app, self.table, self.gateway, self.safe_keys.extend)  # type: ignore[arg-type]

    def slice(self, *keys: str) -> tuple[Any, Range]:
        """A slice on its way that concerned these keys."""
        touched, one = self.caller.touched(), Range(0)
        for key in keys:
            touched.add(0, key, one)
        self.caller.sent(touched)
        return touched, one

    async def safe(self, touched: Any, one: Range) -> Range:
        self.caller.safe(touched)
        one.safe = True
        await turns()
        return one

    async def answer(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.gateway.answers.pop(key).set_result("yes")
        await turns()


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> World:
    return World()


async def test_what_a_call_tells_is_sent_as_long_as_the_partitions_are_ours(world: World) -> None:
    world.table.rows["a"] = ["charge"]
    await world.safe(*world.slice("a"))
    await world.gateway.tell(Send("orders", b"a", b"stalled"))
    assert world.sink.sent == [("orders", b"a", b"stalled")]
    world.current = False
    await world.gateway.tell(Send("orders", b"a", b"again"))
    assert len(world.sink.sent) == 1


async def test_a_call_starts_only_when_its_intent_is_safe(world: World) -> None:
    world.table.rows["a"] = ["charge"]
    touched, one = world.slice("a")
    await turns()
    assert world.gateway.asked == []
    await world.safe(touched, one)
    assert world.gateway.asked == ["a:charge"]
    assert not one.released
    await world.answer("a")
    assert one.released
    assert world.safe_keys == ["a"]


async def test_a_later_slice_that_is_safe_first_starts_no_call_of_an_intent_that_is_not(world: World) -> None:
    world.table.rows["a"] = ["charge"]
    first, second = world.slice("a"), world.slice("a")  # the second is a double, and has nothing to send
    await world.safe(*second)
    assert world.gateway.asked == []
    await world.safe(*first)
    assert world.gateway.asked == ["a:charge"]


async def test_a_chain_goes_on_while_something_is_due(world: World) -> None:
    world.table.rows["a"] = ["charge", "capture"]
    one = await world.safe(*world.slice("a"))
    await world.answer("a")
    assert world.gateway.asked == ["a:charge", "a:capture"]
    assert not one.released
    await world.answer("a")
    assert one.released


async def test_a_message_for_a_key_whose_call_runs_is_held_and_starts_no_second_call(world: World) -> None:
    world.table.rows["a"] = ["charge"]
    first = await world.safe(*world.slice("a"))
    second = await world.safe(*world.slice("a"))
    assert world.gateway.asked == ["a:charge"]
    assert not second.released
    await world.answer("a")
    assert first.released
    assert second.released


async def test_a_row_that_a_later_slice_changed_waits_until_that_is_safe(world: World) -> None:
    world.table.rows["a"] = ["charge"]
    earlier, later = world.slice("a"), world.slice("a")
    await world.safe(*earlier)
    assert world.gateway.asked == [], "memory holds what the later slice wrote, and Kafka does not"
    await world.safe(*later)
    assert world.gateway.asked == ["a:charge"]


async def test_no_more_calls_than_the_limit_run_at_once(world: World) -> None:
    for key in "abc":
        world.table.rows[key] = ["charge"]
    await world.safe(*world.slice("a", "b", "c"))
    assert len(world.gateway.asked) == 2
    await world.answer("a")
    assert len(world.gateway.asked) == 3


async def test_calls_that_end_before_they_have_begun_leave_their_places_free(world: World) -> None:
    for key in "abc":
        world.table.rows[key] = ["charge"]
    world.caller.safe(world.slice("a", "b", "c")[0])
    world.caller.leave()  # in the same turn of the loop
    await turns()
    assert world.gateway.asked == []
    await world.safe(*world.slice("b", "c"))
    assert world.gateway.asked == ["b:charge", "c:charge"]


async def test_when_the_partitions_leave_calls_end_and_late_answers_are_dropped(world: World) -> None:
    world.table.rows["a"] = ["charge"]
    world.table.rows["b"] = ["charge"]
    one = await world.safe(*world.slice("a", "b"))
    world.gateway.answers["b"].set_result("yes")  # arrives in the same turn as the rebalance
    world.current = False
    world.caller.leave()
    await turns()
    assert world.gateway.answers["a"].cancelled()
    assert world.table.rows == {"a": ["charge"], "b": ["charge"]}
    assert not one.released


@pytest.mark.parametrize("left", [True, False], ids=["left", "are leaving"])
async def test_a_slice_that_is_safe_when_the_partitions(world: World, left: bool) -> None:
    """Starts nothing, and is left to the next owner: committed, it would be a call that nobody ever makes."""
    world.table.rows["a"] = ["charge"]
    on_its_way = world.slice("a")
    world.current = False
    if left:
        world.caller.leave()
    one = await world.safe(*on_its_way)
    assert world.gateway.asked == []
    assert one.safe
    assert not one.released


async def test_a_replayed_message_makes_the_call_again(world: World) -> None:
    world.table.rows["a"] = ["charge"]
    await world.safe(*world.slice("a"))
    world.caller.leave()
    await world.safe(*world.slice("a"))
    assert world.gateway.asked == ["a:charge", "a:charge"]
