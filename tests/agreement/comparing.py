"""Comparing what is told with what ran, and showing the smallest difference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.agreement.drawing import draw
from tests.agreement.eras import STREAMS
from tests.agreement.running import Lines, Spacing, compiled, traces
from tests.agreement.tale import Customer, Tale, together
from tests.agreement.telling import Telling

# Tales of one store: enough to share its ticks, few enough that they do not wait for each other.
TALES = 2
_ATTEMPTS = 10
SPACINGS = (Spacing(), Spacing(extra=15), Spacing(is_early=True))


@dataclass(frozen=True)
class Fault:
    """A seed whose traces differ."""

    tale: Tale
    customer: Customer
    spacing: Spacing
    told: Sequence[str]
    ran: Sequence[str]

    @property
    def seed(self) -> int:
        return self.tale.seed * STREAMS + int(self.customer.id.split(".")[1])

    def text(self) -> str:
        """Return all that is needed to see what is wrong."""
        c = self.customer
        fields = {name: str(value) for name, value in c.fields.items() if value is not None}
        lines = [f"seed {self.seed}, {self.spacing}", self.tale.text]
        lines += [f"{c.id}: {fields} {dict(c.consents)}"]
        lines += [f"  {order.at} {order.word} {order.journey}" for order in self.tale.orders]
        lines += [
            f"  {change.at} becomes {dict(change.fields)} {dict(change.consents)}"
            for change in c.changes
        ]
        for h in c.happenings:
            shown = {name: str(value) for name, value in h.fields.items() if value is not None}
            at = "" if h.at == h.arrives else f" of {h.at}"
            about = "" if h.about is None else f" about message {h.about}"
            lines.append(f"  {h.arrives} #{h.seq} {h.name}{at}{about} {shown}")
        return "\n".join([*lines, "by the interpreter, and by the engine:", *self.difference()])

    def difference(self) -> list[str]:
        """Return what happened up to the first instant that differs, and what does there."""
        told, ran = _in_order(self.told), _in_order(self.ran)
        both = 0
        while both < min(len(told), len(ran)) and told[both] == ran[both]:
            both += 1
        only_told = [line for line in told[both:] if line not in ran][:6]
        only_ran = [line for line in ran[both:] if line not in told][:6]
        same = [f"    {line}" for line in told[max(0, both - 12) : both]]
        return [*same, *(f"  - {x}" for x in only_told), *(f"  + {x}" for x in only_ran)]


def _in_order(lines: Sequence[str]) -> list[str]:
    """Order lines by passage, then by instant: the steps of one instant have no order in a store."""
    return sorted(lines, key=lambda line: (line.split(" ", 1)[0], line.split(" ", 1)[1]))


def drawn(batch: int) -> list[Tale]:
    """Return the tales of a batch; one that the compiler refuses is drawn again."""
    tales = [draw(batch * TALES + n, batch) for n in range(TALES)]
    for attempt in range(1, _ATTEMPTS):
        _, refused = compiled(tales)
        if not refused:
            return tales
        tales = [draw(t.seed, batch, attempt) if t.seed in refused else t for t in tales]
    raise AssertionError(f"batch {batch} is refused {_ATTEMPTS} times")


def faults(tales: Sequence[Tale], spacing: Spacing) -> Iterator[Fault]:
    """Yield the seeds of a batch whose traces differ."""
    if not tales:
        return
    program, refused = compiled(tales)
    assert program is not None, f"refused: {refused}"
    ran = traces(program, tales, spacing)
    told = told_of(tales)
    for tale in tales:
        for customer in tale.customers:
            if sorted(told[customer.id]) != sorted(ran[customer.id]):
                found = told[customer.id], ran[customer.id]
                yield Fault(tale, customer, spacing, *found)


def told_of(tales: Sequence[Tale]) -> Lines:
    return Telling(together(tales)).tell()


def reduced(fault: Fault) -> Fault:
    """Return the fault with its customer alone, and without what it takes place without too."""
    small = _alone(fault, fault.customer)
    if small is None:
        return fault
    for happening in small.customer.happenings:
        rest = [x for x in small.customer.happenings if x is not happening]
        small = _alone(small, replace(small.customer, happenings=rest)) or small
    for change in small.customer.changes:
        others = [x for x in small.customer.changes if x is not change]
        small = _alone(small, replace(small.customer, changes=others)) or small
    return small


def _alone(fault: Fault, customer: Customer) -> Fault | None:
    tale = replace(fault.tale, customers=[customer])
    return next(faults([tale], fault.spacing), None)
