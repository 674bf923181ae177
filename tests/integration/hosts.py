"""Hosts for workers: network namespaces with addresses of their own, whose links to the others can be cut."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.embedded.processes import Child

NETWORK = "10.213.57"
RELAY = Path(__file__).with_name("relay.py")


class Host:
    """A namespace with the address `address`, in which the ports of the test's servers are on the loopback address."""

    def __init__(self, name: str, link: str, address: str) -> None:
        self.name = name
        self.address = address
        self._link = link

    def command(self, command: Sequence[str]) -> tuple[str, ...]:
        """The command line that runs `command` on this host."""
        return ("ip", "netns", "exec", self.name, *command)

    def cut(self) -> None:
        """Cut the link: nothing comes or goes, and nobody is told."""
        ip("link", "set", self._link, "down")

    def heal(self) -> None:
        """Mend the link."""
        ip("link", "set", self._link, "up")


def ip(*arguments: str) -> None:
    """Run `ip`. Raises `CalledProcessError`."""
    subprocess.run(("ip", *arguments), check=True, capture_output=True, text=True)


@contextmanager
def hosts(count: int, ports: Sequence[int], home: Path) -> Iterator[list[Host]]:
    """So many hosts on one network, each with a way to these ports of ours. Skips the test where that can't be had."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    bridge = f"opb{os.getpid()}"
    with ExitStack() as undo:
        try:
            ip("link", "add", bridge, "type", "bridge")
            undo.callback(ip, "link", "del", bridge)
            ip("addr", "add", f"{NETWORK}.1/24", "dev", bridge)
            ip("link", "set", bridge, "up")
            made = [_host(bridge, number, undo) for number in range(1, count + 1)]
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces can't be made here: {error.stderr.strip()}")
        _relay(home / "relay-0.log", (), f"{NETWORK}.1", "127.0.0.1", ports, undo)
        for host in made:
            prefix = host.command(())
            _relay(home / f"relay-{host.name}.log", prefix, "127.0.0.1", f"{NETWORK}.1", ports, undo)
        yield made


def _host(bridge: str, number: int, undo: ExitStack) -> Host:
    name, outside, inside = (f"op{kind}{os.getpid()}-{number}" for kind in "nvw")
    address = f"{NETWORK}.{number + 1}"
    ip("netns", "add", name)
    undo.callback(ip, "netns", "del", name)  # takes both ends of the link with it
    ip("link", "add", outside, "type", "veth", "peer", "name", inside)
    ip("link", "set", outside, "master", bridge, "up")
    ip("link", "set", inside, "netns", name)
    for arguments in (("addr", "add", f"{address}/24", "dev", inside), ("link", "set", inside, "up"),
                      ("link", "set", "lo", "up")):  # fmt: skip
        ip("-n", name, *arguments)
    return Host(name, outside, address)


def _relay(log: Path, prefix: Sequence[str], listen: str, target: str, ports: Sequence[int], undo: ExitStack) -> None:
    command = (*prefix, sys.executable, "-I", str(RELAY), listen, target, *map(str, ports))
    child = Child(command, log=log, mark=str(RELAY))
    child.start()
    undo.callback(child.kill)
