"""One batch under way at a transport that is not idempotent, over several connections."""

from dataclasses import dataclass, field

from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.transport import Outcome, Prepared, outcome_of
from cij.runtime.delivery.handover import Handover
from cij.runtime.errors import DeliveryError


@dataclass
class GradualRun:
    """`stopped` ends the batch for every connection, `lost` is why one gave up."""

    batch: Batch
    handover: Handover | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: DeliveryError | None = None
    lost: DeliveryError | None = None

    async def take(self, one: Prepared) -> None:
        """Note that a connection takes the message: from here on a crash leaves it uncertain."""
        if self.handover is not None:
            await self.handover.take(one.key)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, also for the case that the run does not live to settle it."""
        self.outcomes.append(outcome)
        if self.handover is not None and outcome.status not in ("unsent", "held"):
            self.handover.hear(outcome)
        self.batch.add(outcome)

    @property
    def has_delivered(self) -> bool:
        """Tell whether the provider took a message."""
        return any(one.status == "delivered" for one in self.outcomes)

    def finished(self) -> list[Outcome]:
        """Return all outcomes; where the provider failed, what waits is `unsent`."""
        why = self.stopped or self.lost
        if why is None or (self.stopped is None and self.has_delivered):
            # The server does take messages, so the next batch may begin at once.
            return self.outcomes
        reason = outcome_of("", why).reason
        return self.outcomes + [Outcome(one.key, "unsent", reason) for one in self.batch.rest()]
