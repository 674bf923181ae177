"""Carries TCP connections on: `python relay.py LISTEN_HOST TARGET_HOST PORT...`, the same ports on both sides.

A broker and a database listen on the loopback address and tell their clients so; this makes them reachable from another
network namespace under that same address, by way of the link between the two.
"""

import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until either side ends."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def serve(listen_host: str, target_host: str, port: int) -> None:
    """Carry the connections of one port, for ever."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection(target_host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, onward_writer), carry(onward_reader, writer))

    server = await asyncio.start_server(connected, listen_host, port)
    await server.serve_forever()


async def main() -> None:
    """All the ports of the command line."""
    listen_host, target_host, *ports = sys.argv[1:]
    await asyncio.gather(*(serve(listen_host, target_host, int(port)) for port in ports))


if __name__ == "__main__":
    asyncio.run(main())
