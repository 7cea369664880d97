"""The order to stop a run, which can also wake a run that waits."""

import threading


class WakeableStop(threading.Event):
    """An event that stops a run. `wake` ends one wait, so that the run looks for new work."""

    def __init__(self) -> None:
        super().__init__()
        self._bell = threading.Event()

    def set(self) -> None:
        """Stop the run."""
        super().set()
        self._bell.set()

    def wake(self) -> None:
        """End the wait that goes on, or else the next one."""
        self._bell.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for an order to stop or for `wake`. Tell whether the run has to stop."""
        self._bell.wait(timeout)
        if not self.is_set():
            # The caller leaves the work before it wakes the run, and the run looks for it after this.
            self._bell.clear()
        return self.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait for an order to stop alone. Tell whether the run has to stop."""
        return super().wait(seconds)
