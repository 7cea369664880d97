"""A batch under way: messages that a transport takes one by one, while another thread may take them back.

    waiting --next--> in the hands of the transport --add--> heard --take_heard--> settled
    waiting --recall--> queued again

The thread that owns the store settles what was heard while the rest is still being sent. It takes back
what waits when an order, an event or the end of the run comes between (S20, S22, S23).
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from cij.runtime.delivery.channels.brake import Brake
from cij.runtime.delivery.channels.transport import Outcome, Prepared


class Batch(Sequence[Prepared]):
    """All messages of a batch. As a sequence it has all of them, whatever became of them.

    A transport that knows batches calls `next` before each message and `add` after it. Any other may
    read the sequence and return its outcomes, and then nothing can be taken back.
    """

    def __init__(
        self,
        messages: Sequence[Prepared],
        brake: Brake | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._messages = list(messages)
        self._waiting = deque(self._messages)
        self._brake = brake or Brake()
        self._heard: list[Outcome] = []
        # Those that were heard or taken back.
        self._known: set[str] = set()
        self._is_gradual = False
        self._on_end = on_end
        self._lock = threading.Lock()
        self.is_over = False
        self.broken: BaseException | None = None

    @classmethod
    def of(cls, messages: Sequence[Prepared]) -> "Batch":
        """Return `messages` as a batch whose messages are taken one by one from now on."""
        found = messages if isinstance(messages, cls) else cls(messages)
        with found._lock:
            found._is_gradual = True
        return found

    @overload
    def __getitem__(self, index: int) -> Prepared: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Prepared]: ...
    def __getitem__(self, index: int | slice) -> Prepared | Sequence[Prepared]:
        return self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    # --- for the transport -----------------------------------------------------------------------

    def next(self) -> Prepared | None:
        """Take the next message; None where there is none or the brake is on."""
        with self._lock:
            if self._brake.is_on or not self._waiting:
                return None
            return self._waiting.popleft()

    def each(self) -> Iterator[Prepared]:
        """Take one message after the other."""
        while (one := self.next()) is not None:
            yield one

    def rest(self) -> list[Prepared]:
        """Take all that wait, because the transport can send none of them."""
        with self._lock:
            found = [] if self._brake.is_on else list(self._waiting)
            if found:
                self._waiting.clear()
            return found

    @property
    def waiting(self) -> int:
        """How many may be taken still."""
        with self._lock:
            return 0 if self._brake.is_on else len(self._waiting)

    def add(self, outcome: Outcome) -> None:
        """Keep what became of one message; the first word about it counts."""
        with self._lock:
            if outcome.key in self._known:
                return
            self._known.add(outcome.key)
            self._heard.append(outcome)
            self._brake.note(outcome)

    def take_unheard(self) -> list[Prepared]:
        """Take all of which nothing was heard, because the transport broke."""
        with self._lock:
            self._waiting.clear()
            return [one for one in self._messages if one.key not in self._known]

    # --- for the thread that has the store -------------------------------------------------------

    def take_heard(self) -> list[Outcome]:
        """Take the outcomes that came since the last call."""
        with self._lock:
            found, self._heard = self._heard, []
            return found

    def recall(self) -> list[Prepared]:
        """Take back what no connection has taken."""
        with self._lock:
            if not self._is_gradual:
                return []
            found = list(self._waiting)
            self._waiting.clear()
            self._known |= {one.key for one in found}
            return found

    def end(self, broken: BaseException | None = None) -> None:
        """Note that the transport has returned."""
        with self._lock:
            self.is_over, self.broken = True, broken
        self._on_end()
