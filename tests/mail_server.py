"""A real SMTP server for tests, which leaves no connection open when it stops."""

import asyncio
from typing import Any

from aiosmtpd.controller import Controller

_LONGEST_S = 5
# Enough turns of the loop for what was just accepted, and for what was just hung up.
_TURNS = 5


class MailServer(Controller):
    """As it is, a server that stops before it has seen that a client is gone leaves the socket."""

    def __init__(self, handler: Any, **options: Any) -> None:
        self._connections: list[Any] = []
        super().__init__(handler, **options)

    def factory(self) -> Any:
        connection: Any = super().factory()  # type: ignore[no-untyped-call]
        self._connections.append(connection)
        return connection

    def stop(self, no_assert: bool = False) -> None:
        if self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(_LONGEST_S)
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        await _turns()
        for connection in self._connections:
            if connection.transport is not None:
                connection.transport.abort()
        await _turns()


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
