"""`make run`: the parts, the workers, the catalogue and a first order; then serve until Ctrl-C, which stops all of it.

Everything is a child process of this one. What is foreseeable trouble (a taken port, a part that this machine can't
run) is told in one line that says what to do.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from app.embedded.api import WorkerApi, is_ready
from app.embedded.errors import PartError
from app.embedded.kafka import EmbeddedKafka
from app.embedded.locks import AlreadyHeldError, exclusive
from app.embedded.mongod import EmbeddedMongod, find_mongod
from app.embedded.options import RunOptions, read_options
from app.embedded.ports import is_free
from app.embedded.processes import stop_leftover
from app.embedded.provision import provide_kafka
from app.embedded.showcase import addresses, follow, place_sample, seed_once
from app.embedded.supervisor import Supervisor, describe_end
from app.embedded.workers import Worker, make_worker

_READY_TIMEOUT_S = 60.0
_WORKERS_STOP_TIMEOUT_S = 20.0
_LOOK_EVERY_S = 0.2
_POLL_S = 0.05
# SIGHUP comes when the terminal is closed.
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)

Tell = Callable[[str], None]


def main() -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code: 0 when it was told to end, 1 when it could not serve."""
    console = Console(highlight=False)
    for number in _ENDING_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        options = read_options(os.environ, Path(".local").absolute())
        with ExitStack() as stack:
            try:
                serve(options, os.environ, stack, lambda line: console.print(escape(line), soft_wrap=True))
            finally:
                # A second, impatient Ctrl-C must not cut the stopping short; all of it is bounded.
                _ignore_signals()
    except PartError as error:
        console.print(f"[bold red]{escape(error.what)}.[/] {escape(error.advice)}", soft_wrap=True)
        if error.log_tail:
            console.print(escape(error.log_tail), style="dim", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 0


def _interrupt(_signal_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in (signal.SIGINT, *_ENDING_SIGNALS):
        signal.signal(number, signal.SIG_IGN)


def serve(options: RunOptions, environment: Mapping[str, str], stack: ExitStack, tell: Tell) -> None:
    """Start all, show the sample order, and keep the workers running for ever; what is started is stopped by `stack`.

    `PartError` when the home is served already, a port is taken, or something does not start.
    """
    _take_home(options, stack)
    supervisor = Supervisor(tell)
    kafka_url = options.kafka_url or _start_kafka(options, stack, supervisor, tell)
    mongo_url = options.mongo_url or _start_mongod(options, stack, supervisor, tell)
    settings = {**environment, "KAFKA_URL": kafka_url, "MONGO_URL": mongo_url}
    workers = [make_worker(number, port, options.home, settings) for number, port in enumerate(options.ports, start=1)]
    stack.callback(_stop_workers, workers, tell)
    _start_workers(workers, supervisor, tell)
    _show(options, settings, tell)
    for line in addresses(options.ports, kafka_url, mongo_url):
        tell(line)
    while True:
        supervisor.look()
        time.sleep(_LOOK_EVERY_S)


def _take_home(options: RunOptions, stack: ExitStack) -> None:
    """Make this run the only one of its home, and its ports free."""
    run = options.home / "run"
    try:
        stack.enter_context(exclusive(run / "lock", wait=False))
    except AlreadyHeldError:
        raise PartError(
            f"Another run serves {options.home} already",
            f"Stop it, or choose another port: make run PORT={options.ports[-1] + 10}",
        ) from None
    for pid_file in run.glob("*.pid"):
        stop_leftover(pid_file, str(options.home))
    for number, port in enumerate(options.ports, start=1):
        if not is_free(port):
            raise PartError(
                f"Port {port}, meant for worker {number}, is taken",
                f"Stop what listens there, or choose another: make run PORT={options.ports[-1] + 10}",
            )


def _start_kafka(options: RunOptions, stack: ExitStack, supervisor: Supervisor, tell: Tell) -> str:
    software = provide_kafka(options.shared, tell)
    began_s = time.monotonic()
    broker = EmbeddedKafka(options.home / "kafka", software, pid_file=options.home / "run" / "kafka.pid")
    stack.callback(broker.stop)
    broker.start()
    supervisor.keep("Kafka", broker)
    tell(f"Kafka     ready after {time.monotonic() - began_s:.1f} s")
    return broker.url


def _start_mongod(options: RunOptions, stack: ExitStack, supervisor: Supervisor, tell: Tell) -> str:
    executable = find_mongod()
    began_s = time.monotonic()
    server = EmbeddedMongod(options.home / "mongod", executable, pid_file=options.home / "run" / "mongod.pid")
    stack.callback(server.stop)
    server.start()
    supervisor.keep("MongoDB", server)
    tell(f"MongoDB   ready after {time.monotonic() - began_s:.1f} s")
    return server.url


def _start_workers(workers: list[Worker], supervisor: Supervisor, tell: Tell) -> None:
    began_s = time.monotonic()
    for worker in workers:
        worker.child.start()
    for worker in workers:
        _wait_ready(worker, began_s + _READY_TIMEOUT_S)
        supervisor.keep(worker.name, worker.child)
        tell(f"{worker.name}  ready after {time.monotonic() - began_s:.1f} s on port {worker.port}")


def _wait_ready(worker: Worker, deadline_s: float) -> None:
    while not is_ready(worker.port):
        if not worker.child.alive:
            problem = f"{worker.name} ended while starting ({describe_end(worker.child.exit_code)})"
        elif time.monotonic() > deadline_s:
            problem = f"{worker.name} is not ready after {_READY_TIMEOUT_S:.0f} s"
        else:
            time.sleep(_POLL_S)
            continue
        raise PartError(problem, f"See {worker.child.log}", worker.child.log_tail())


def _show(options: RunOptions, settings: Mapping[str, str], tell: Tell) -> None:
    """Seed and place the sample order; trouble there is told, but is no reason not to serve."""
    port = options.ports[0]
    api = WorkerApi(port)
    # The embedded broker's port changes with every run while its data stays, so it has a name instead.
    cluster = options.kafka_url or "embedded"
    try:
        if seed_once(options.home, cluster, f"http://127.0.0.1:{port}", {**settings, "PORT": str(port)}):
            tell("Demo catalogue put in")
        order_id, sent_at_s = place_sample(api, fresh_id=f"123-{time.time_ns() // 1_000_000}")
        tell(f"Order {order_id}")
        follow(api, order_id, sent_at_s, tell)
    except PartError as error:
        tell(str(error))
    finally:
        api.close()


def _stop_workers(workers: list[Worker], tell: Tell) -> None:
    tell("Stopping")
    for worker in workers:
        worker.child.ask_to_end()
    deadline_s = time.monotonic() + _WORKERS_STOP_TIMEOUT_S
    for worker in workers:
        if not worker.child.stop(max(0.0, deadline_s - time.monotonic())):
            tell(f"{worker.name} did not end in {_WORKERS_STOP_TIMEOUT_S:.0f} s and was killed")
