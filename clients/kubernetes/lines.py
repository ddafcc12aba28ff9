"""A stream of newline-ended JSON in whole lines, as many at once as have come, and an end to waiting for a silent one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp

from domain.errors import OutsideError


class SilentError(Exception):
    """Nothing came for as long as was allowed."""


async def line_batches(
    answer: aiohttp.ClientResponse, *, silence_s: float, most_bytes: int
) -> AsyncGenerator[list[bytes], None]:
    """Not aiohttp's own `readline`: it gives up on long lines (a config map in an event), and wakes once for each line.

    Ends when the server ends the answer; a last line without its newline was cut off and is dropped, for the watch goes on
    from the version before it.
    """
    rest: list[bytes] = []
    held = 0
    while True:
        try:
            async with asyncio.timeout(silence_s):
                chunk = await answer.content.readany()
        except TimeoutError as error:
            raise SilentError from error
        if not chunk:
            return
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            rest.append(head)
            yield [line for line in b"".join(rest).split(b"\n") if line.strip()]
            rest, held = ([tail], len(tail)) if tail else ([], 0)
        else:
            rest.append(chunk)
            held += len(chunk)
            if held > most_bytes:
                raise OutsideError(
                    f"The API server sent a line of more than {most_bytes} bytes",
                    "Check that the cluster's `server` in the kubeconfig is a Kubernetes API.",
                )
