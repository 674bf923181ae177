"""Two workers over one broker, moved a step at a time by a seed: who takes, what is acknowledged, who dies when.

First comes bad luck: crashes, moves of partitions, workers that are paused and write behind their successor's back,
doubles of any message at any later time, lost answers. Then calm, in which everything runs to its end. What must hold
at every step is looked at where it could break, the rest at the end (`tests.model.simulator.promises`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice

from app import topics
from app.delivery.contract import Effects
from app.domain import saga
from app.domain.order import State
from app.participants.order_commands import command_sends
from app.participants.stalling import stalled
from schemas.commands import ReachDeadline
from schemas.rows import OrderRow
from tests.model.simulator import promises
from tests.model.simulator.broker import PARTITIONS, Broker, Entry, changelog, partition_of
from tests.model.simulator.forgetting import Forgetting
from tests.model.simulator.outside import Outside
from tests.model.simulator.plan import Plan, plan, wire
from tests.model.simulator.roles import ROLES
from tests.model.simulator.slices import Chain
from tests.model.simulator.story import Story
from tests.model.simulator.violation import Violation
from tests.model.simulator.worker import Worker

CALM_STEPS = 20_000


class System:
    """One seed's world."""

    def __init__(self, seed: int, story: Story) -> None:
        self.plan: Plan = plan(seed)
        self.random = self.plan.random
        self.broker = Broker()
        self.outside = Outside(self.random, self.plan.refusals)
        self.story = story
        self.watch = promises.Watch()
        self.forgetting = Forgetting(self.broker, self.random, story)
        self.names = count()
        self.zombies: list[Worker] = []
        self.foreign: list[tuple[str, int, str]] = []
        self.workers = [self._new_worker(), self._new_worker()]
        for partition in range(PARTITIONS):
            self.random.choice(self.workers).take_over(partition)

    def run(self) -> Counter[State]:
        """To the end; returns how the orders ended. Raises `Violation`."""
        for _ in range(self.plan.steps):
            self._bad_luck()
            self._people()
            self._work()
        while self.plan.sends:
            self._people()
        for _ in range(CALM_STEPS):
            if not self._work() and not self._heal() and not self._deadlines():
                break
        else:
            raise Violation("everything", f"no rest after {CALM_STEPS} calm steps")
        return promises.check_end(self.plan, self.broker, self.workers, self.outside, self.forgetting)

    def _new_worker(self) -> Worker:
        name = f"worker {next(self.names)}"
        # A zombie's intent may take the place of its successor's, unseen: they have to agree where calls are made.
        return Worker(self.broker, name, "the only place" if self.plan.pause else f"the choice of {name}")

    def _people(self) -> None:
        if self.plan.sends and self.random.random() < 0.3:
            topic, key, message = self.plan.sends.pop()
            if key in self.forgetting.old:
                return  # it is answered from MongoDB
            self.broker.send(topic, key.encode(), wire(message))
            self.story.tell(f"somebody sends {topic}/{key}: {message!r}", key)

    def _bad_luck(self) -> None:
        if self.random.random() < self.plan.crash:
            self._crash(self.random.choice(self.workers))
        if self.random.random() < self.plan.move:
            self._move()
        if self.random.random() < self.plan.pause:
            self._pause(self.random.choice(self.workers))
        if self.random.random() < self.plan.double:
            self._double()
        if self.random.random() < self.plan.remind:
            self._remind()
        if self.random.random() < self.plan.age:
            self.forgetting.age(self._orders(), self.zombies)
        if not self.plan.pause and self.random.random() < self.plan.age / 2:
            self._double_of_old()  # with paused workers about, it would have to wait until what they wrote is healed
        self._zombies_write()
        if self.foreign and self.random.random() < 0.2:
            self._heal()

    def _crash(self, worker: Worker) -> None:
        kept = []
        for place in list(worker.queues):
            most = self.random.randint(0, len(worker.queues[place]))
            kept.append(f"{most} of {len(worker.queues[place])} for {place[0]}-{place[1]}")
            self._in_logs(worker.acknowledge(place, most))
        self.story.tell(f"{worker.name} dies; of what it had sent there are {', '.join(kept) or 'no more'}")
        self._replace(worker)

    def _pause(self, worker: Worker) -> None:
        """It is stopped for longer than its session. What it had buffered may still get out when it wakes."""
        self.story.tell(f"{worker.name} is paused, with {sum(map(len, worker.queues.values()))} records to send")
        self.zombies.append(worker)
        self._replace(worker)

    def _zombies_write(self) -> None:
        for zombie in self.zombies:
            if zombie.queues and self.random.random() < 0.05:
                place = self.random.choice(list(zombie.queues))
                most = self.random.randint(1, len(zombie.queues[place]))
                self.story.tell(f"{zombie.name}, paused before, still sends {most} records to {place[0]}-{place[1]}")
                written = (it for it, _ in islice(zombie.queues[place], most) if it.row is not None)
                self.foreign += [(it.topic, it.partition, it.key.decode()) for it in written]
                self._in_logs(zombie.acknowledge(place, most))

    def _heal(self) -> bool:
        """Owners that may write again what somebody else has written; False when nothing was."""
        before = len(self.foreign)
        for worker in self.workers:
            for place in [it for it in worker.rows if worker.may_heal(it)]:
                ours = (changelog(place[0]), place[1])
                keys = sorted({key for topic, partition, key in self.foreign if (topic, partition) == ours})
                if keys:
                    self.story.tell(f"{worker.name} writes again {', '.join(keys)} of {place[0]}-{place[1]}")
                    worker.heal(place, keys)
                self.foreign = [it for it in self.foreign if it[:2] != ours]
        return len(self.foreign) < before

    def _replace(self, worker: Worker) -> None:
        self.workers[self.workers.index(worker)] = self._new_worker()
        for partition in sorted(worker.partitions):
            heir = self.random.choice(self.workers)
            heir.take_over(partition)
            self.story.tell(f"{heir.name} takes over partition {partition} from {self._committed(partition)}")

    def _move(self) -> None:
        """A graceful leave: what is sent arrives and is committed, calls are dropped."""
        leaving = self.random.choice(self.workers)
        for place in list(leaving.queues):
            self._in_logs(leaving.acknowledge(place, len(leaving.queues[place])))
        for place in leaving.rows:
            leaving.commit(place)
        self.workers[self.workers.index(leaving)] = self._new_worker()
        self.story.tell(f"{leaving.name} leaves")
        for partition in sorted(leaving.partitions):
            self.random.choice(self.workers).take_over(partition)

    def _committed(self, partition: int) -> str:
        return ", ".join(f"{topic} {self.broker.committed[topic, partition]}" for topic in ROLES)

    def _double(self) -> None:
        places = [place for place, log in self.broker.logs.items() if log and place[0] in ROLES]
        if places:
            entry = self.random.choice(self.broker.logs[self.random.choice(places)])
            if self.forgetting.concerns_old(entry):
                return
            self.broker.send(entry.topic, entry.key, entry.value)
            self.story.tell(f"{entry.topic}-{entry.partition}@{entry.offset} comes again", entry.key.decode())

    def _double_of_old(self) -> None:
        """The last copy of a placed order comes while that is still there, perhaps on its way out."""
        left = [row.order_id for row in self._orders() if row.order_id in self.forgetting.old]
        if not left:
            return
        order_id = self.random.choice(left)
        placed = self.plan.orders[order_id]
        self.broker.send(topics.ORDERS, order_id.encode(), wire(placed))
        self.story.tell(f"{order_id} is placed again", order_id)
        place = (topics.ORDERS, partition_of(order_id.encode()))
        owner = next(worker for worker in self.workers if place in worker.rows)
        while owner.waiting(place):
            self._take(owner, topics.ORDERS)

    def _remind(self) -> None:
        """A timer sends all that an order has not been answered yet."""
        waiting = [row for row in self._orders() if row.order.unanswered]
        if waiting:
            row = self.random.choice(waiting)
            commands = [saga.Command(it.leg, it.verb) for it in row.order.unanswered]
            for send in command_sends(row.order_id, row, commands):
                self.broker.send(send.topic, send.key, send.value)
            self.story.tell(f"what {row.order_id} waits for is asked again", row.order_id)

    def _orders(self) -> list[OrderRow]:
        owned = (worker.rows.get((topics.ORDERS, n), {}) for worker in self.workers for n in range(PARTITIONS))
        return [row for rows in owned for row in rows.values()]

    def _work(self) -> bool:
        """One thing that some worker can do; False when there is none."""
        things: list[Callable[[], None]] = []
        for worker in self.workers:
            things += self._things_to_do(worker)
            things += self.forgetting.things_to_do(worker)
        things += self.forgetting.project()
        if not things:
            return False
        self.random.choice(things)()
        return True

    def _things_to_do(self, worker: Worker) -> Iterator[Callable[[], None]]:
        for topic in ROLES:
            if any(worker.waiting(place) for place in worker.rows if place[0] == topic):
                yield partial(self._take, worker, topic)
        for place in worker.queues:
            yield partial(self._acknowledge, worker, place)
        for chain in worker.calling():
            yield partial(self._call, worker, chain)
        for place in worker.ranges:
            if worker.can_commit(place):
                yield partial(worker.commit, place)

    def _take(self, worker: Worker, topic: str) -> None:
        for entry, effects in worker.take(topic, self.random.randint(1, self.plan.slice_size)):
            self.watch.effects(effects)
            self.story.handled(worker.name, entry, effects)

    def _acknowledge(self, worker: Worker, place: tuple[str, int]) -> None:
        self._in_logs(worker.acknowledge(place, self.random.randint(1, 6)))

    def _in_logs(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.topic == topics.ORDER_EVENTS:
                self.watch.fact(entry)

    def _call(self, worker: Worker, chain: Chain) -> None:
        pending = chain.pending
        ok = self.outside.call(chain.key, pending.operation.value, pending.at, pending.key)
        if self.random.random() < self.plan.lose_answer:
            self.story.tell(f"{worker.name} calls {pending.at} to {pending.operation}: the answer is lost", chain.key)
            if self.random.random() < self.plan.stall:
                send = stalled(chain.key, pending.operation, 100)
                self.broker.send(send.topic, send.key, send.value)
                self.story.tell(f"{worker.name} tells {chain.key} that the call is stalled", chain.key)
            return
        self.story.tell(f"{worker.name} calls {pending.at} to {pending.operation}: {ok}", chain.key)
        effects: Effects = worker.settle(chain, ok)
        self.watch.effects(effects)

    def _deadlines(self) -> bool:
        """The clock, once all is quiet: orders that wait for a person are over."""
        waiting = [row for row in self._orders() if row.order.state in (State.AWAIT_PAY, State.AWAIT_SHIP)]
        for row in waiting:
            deadline = ReachDeadline(row.order_id, version=row.order.version)
            self.broker.send(topics.ORDERS, row.order_id.encode(), wire(deadline))
            self.story.tell(f"the time of {row.order_id} is over", row.order_id)
        return bool(waiting)


def simulate(seed: int, story: Story | None = None) -> Counter[State]:
    """Runs one seed; returns how its orders ended. Raises `Violation`."""
    return System(seed, story or Story(on=False)).run()
