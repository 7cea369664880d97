"""The brake: when a provider refuses nearly everything for one reason, the reason is not the messages.

A blocked address, a suspended account or a receiver that is being deployed would otherwise use up the
whole queue, because a message that is refused for good is not sent again by itself. The same holds for a
provider that confirms nothing: each message that it is tried with is uncertain.
"""

from collections import Counter, deque

from cij.runtime.delivery.channels.transport import Outcome

WINDOW = 50
# More than half of the window.
ALIKE_MAX = WINDOW // 2
# In a row, without one that was delivered.
DOUBTS_MAX = 10


class Brake:
    """Looks at the last 50 answers of one provider. `is_on` when more than half are one refusal, or when it
    confirmed none of the last ten.

    `is_trying` after a pause, until one message is delivered.
    """

    def __init__(self) -> None:
        self._codes: deque[str | None] = deque(maxlen=WINDOW)
        self._doubts = 0
        self.is_trying = False
        self.reason: str | None = None
        self.code: str | None = None

    @property
    def is_on(self) -> bool:
        return self.reason is not None

    def note(self, outcome: Outcome) -> None:
        """Look at one answer."""
        if outcome.status == "delivered":
            # One that is taken after a pause shows that the cause is gone.
            if self.is_trying:
                self._codes.clear()
            self.is_trying, self._doubts = False, 0
        elif outcome.status == "uncertain":
            self._doubt(outcome)
            return
        elif outcome.code is None:
            return
        self._codes.append(outcome.code)
        code, count = Counter(self._codes).most_common(1)[0]
        if outcome.code is not None and code == outcome.code and count > ALIKE_MAX:
            self.code = code
            self.reason = (
                f"more than half of the last {WINDOW} were refused alike, the last time with: "
                f"{outcome.reason}"
            )

    def _doubt(self, outcome: Outcome) -> None:
        self._doubts += 1
        if self._doubts >= DOUBTS_MAX:
            self.code = None
            self.reason = f"{DOUBTS_MAX} messages in a row were not confirmed, the last time: {outcome.reason}"

    def try_again(self) -> None:
        """Let go after a pause. The first that is refused alike puts the brake on again."""
        self.reason, self.is_trying = None, True

    def hold(self, code: str) -> None:
        """Be as after a pause, for what an earlier run has seen."""
        self._codes.extend([code] * WINDOW if code else [])
        self._doubts = 0 if code else DOUBTS_MAX
        self.is_trying = True

    def release(self) -> None:
        """Forget what was refused."""
        self._codes.clear()
        self._doubts = 0
        self.reason, self.is_trying = None, False
