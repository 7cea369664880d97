"""The turns of a run at a store on a server: it waits for one, loses the connection, and waits for the next."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cij.cli.run_log import say
from cij.cli.stopping import Stopping

if TYPE_CHECKING:
    from cij.app.writer_turn import Turn

# How long a run waits before the next turn, by the number of connections that it has lost in a row: a
# statement that ends its session would end each one at once.
PAUSES_S = (0.0, 1.0, 5.0, 20.0, 60.0)
# A turn that lasted so long begins the count anew.
_LASTED_S = 600.0
_LOST_MAX_ONCE = 3


class Turns:
    """`wait` comes before each turn, and the run is inside of `taken`. `is_standby` waits without an end."""

    def __init__(self, path: Path, *, is_standby: bool, is_once: bool) -> None:
        self._path, self._is_standby, self._is_once = path, is_standby, is_once
        self._lost, self._is_next, self._is_checked = 0, False, False
        self._turn: Turn | None = None

    def wait(self) -> bool:
        """Wait for the turn, which `taken` then gives. Returns False where the run was stopped meanwhile.

        Raises: ConfigError; StoreLocked where another process has taken over, and this is no standby.
        """
        if not self._is_standby and not self._is_next:
            # In the first turn, opening the store reports what is wrong.
            return True
        from cij.app.writer_turn import REGAIN_S, require_server, wait_for_turn

        if not self._is_checked and self._is_standby:
            require_server(self._path)
            self._is_checked = True
        patience_s = math.inf if self._is_standby else REGAIN_S
        with Stopping() as stopping:
            if self._lost:
                stopping.stopped.pause(PAUSES_S[min(self._lost, len(PAUSES_S)) - 1])
            self._turn = wait_for_turn(self._path, stopping.stopped, _say_waits, patience_s)
            if self._turn is not None:
                return True
        say("stopped")
        return False

    @contextmanager
    def taken(self) -> Iterator["Turn | None"]:
        """Give what was waited for; None for a first turn without a wait.

        The next turn follows where the connection is lost, or where another process was quicker.
        """
        from cij.runtime.errors import StoreLocked, StoreLost

        began = time.monotonic()
        turn, self._turn = self._turn, None
        try:
            yield turn
        except StoreLost as error:
            self._lost = 1 if time.monotonic() - began >= _LASTED_S else self._lost + 1
            if self._is_once and self._lost > _LOST_MAX_ONCE:
                raise
            self._is_next = True
            say(f"cij: {error}; the run connects again")
        except StoreLocked:
            if not self._is_standby:
                raise
        finally:
            # A run that was refused, such as one of a wrong project, did not get to closing it.
            if turn is not None:
                turn.engine.close()


def _say_waits(reason: str) -> None:
    say(f"cij: waiting: {reason}")
