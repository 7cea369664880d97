"""Signals that stop a run: it ends after the messages that connections have in their hands."""

import signal
import threading
from types import FrameType
from typing import Any, Self

from cij.cli.run_log import say
from cij.runtime.wakeable_stop import WakeableStop

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopping:
    """Catches Ctrl-C, SIGTERM and the end of the terminal. `number` is the signal that came.

    The first one sets `stopped`. The next one ends the process at once, which leaves at most one
    uncertain message for each connection.
    """

    def __init__(self) -> None:
        self.stopped = WakeableStop()
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                # `nohup` has a run ignore the end of its terminal.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *raised: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        self.stopped.set()
        for each in self._before:
            signal.signal(each, signal.SIG_DFL)
        say("stopping after the messages that are under way")
