"""The channel `action`: each action goes its own way, or the one that all take."""

from collections.abc import Mapping, Sequence

from cij.runtime.delivery.channels.transport import Outcome, Prepared, Transport


class ActionTransport:
    """`by_action` are the ways of single actions. `Prepared.address` is the name of the action."""

    def __init__(self, default: Transport, by_action: Mapping[str, Transport]) -> None:
        self.default = default
        self.by_action = by_action
        self._ways = [default, *by_action.values()]
        self.is_idempotent = all(way.is_idempotent for way in self._ways)

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Hand each action to its way. One that is down keeps no other from going."""
        outcomes: list[Outcome] = []
        for way in self._ways:
            mine = [one for one in batch if self._way_of(one) is way]
            outcomes += way.deliver(mine) if mine else []
        return outcomes

    def close(self) -> None:
        for way in self._ways:
            way.close()

    def _way_of(self, one: Prepared) -> Transport:
        return self.by_action.get(one.address, self.default)
