"""Work that other threads give to the thread of the run: it alone uses the engine.

another thread --ask(work)--> queue --between two steps--> work(world, now) --> Future
"""

import queue
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from cij.runtime.errors import WorldError
from cij.runtime.world import World

T = TypeVar("T")
# More questions than a run answers in the longest time that somebody waits for an answer.
_WAITING_MAX = 1000


class TooBusy(WorldError):
    """The run has too many questions to answer, or is about to end. Nothing was done."""

    exit_name = "STORE"


@dataclass(frozen=True, slots=True)
class _Call:
    work: Callable[[World, datetime], Any]
    future: "Future[Any]"
    is_change: bool


class Calls:
    """The queue. `wake` is called when there is something in it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: queue.Queue[_Call] = queue.Queue(_WAITING_MAX)
        self._is_closed = False

    def ask(self, work: Callable[[World, datetime], T], *, is_change: bool = False) -> "Future[T]":
        """Have `work` done between two steps. What it raises is raised by the future.

        With `is_change` a step follows. A future that was cancelled before its turn is left out.
        Raises: TooBusy.
        """
        call = _Call(work, Future(), is_change)
        if self._is_closed:
            raise TooBusy("the run is about to end")
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            raise TooBusy("the run has too many questions to answer") from None
        self._wake()
        return call.future

    def do_all(self, world: World, now: datetime) -> bool:
        """Do what is waiting, and tell whether something of it needs a step."""
        is_changed = False
        while (call := self._next()) is not None:
            is_changed = is_changed or call.is_change
            if call.future.set_running_or_notify_cancel():
                _do(call, world, now)
        return is_changed

    def close(self) -> None:
        """Refuse what is waiting, and everything from now on."""
        self._is_closed = True
        while (call := self._next()) is not None:
            if call.future.set_running_or_notify_cancel():
                call.future.set_exception(TooBusy("the run is about to end"))

    def _next(self) -> _Call | None:
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return None


def _do(call: _Call, world: World, now: datetime) -> None:
    try:
        call.future.set_result(call.work(world, now))
    except Exception as error:  # noqa: BLE001 - it is of this call, and ends no run (S28)
        call.future.set_exception(error)
    finally:
        # A question about another instant shows the engine the instants of that one.
        world.calendar.forget()
