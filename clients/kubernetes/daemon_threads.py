"""Blocking calls beside the event loop in threads that never hold up the end of the program, as an executor's would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def call_in_daemon_thread(call: Callable[[], _T]) -> _T:
    """What `call` returns or raises. A caller that is cancelled leaves; the thread ends when `call` does."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def settle(value: _T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value: _T | None = None
        error: BaseException | None = None
        try:
            value = call()
        except BaseException as raised:  # noqa: BLE001 - handed to the caller, whatever it is
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name=f"quarterdeck {getattr(call, '__qualname__', 'call')}", daemon=True).start()
    return await answer
