"""Compare the interpreter with the engine, and show the smallest difference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.agreement.batch_settings import STREAMS
from tests.agreement.drawing import draw
from tests.agreement.interpreter import Interpreter
from tests.agreement.running import Lines, compiled, traces
from tests.agreement.scenario import Customer, Scenario, in_one_store
from tests.agreement.tick_times import Spacing, tick_times

# Scenarios in one store. Two share its ticks; with more, every tick costs more.
SCENARIOS = 2
_ATTEMPTS = 10
SPACINGS = (Spacing(), Spacing(extra=15), Spacing(is_early=True))
# Ticks that are late: what was due before a tick is made up in it (S12).
LATE = tuple(Spacing(late=name) for name in ("events", "cron", "hours", "days"))


@dataclass(frozen=True)
class Fault:
    """A seed whose traces differ: the interpreter expects one, the engine gave another."""

    scenario: Scenario
    customer: Customer
    spacing: Spacing
    expected: Sequence[str]
    actual: Sequence[str]

    @property
    def seed(self) -> int:
        return self.scenario.seed * STREAMS + int(self.customer.id.split(".")[1])

    def text(self) -> str:
        """Return all that one needs to see what is wrong."""
        c = self.customer
        fields = {name: str(value) for name, value in c.fields.items() if value is not None}
        lines = [f"seed {self.seed}, {self.spacing}", self.scenario.text]
        lines += [f"{c.id}: {fields} {dict(c.consents)}"]
        lines += [f"  {order.at} {order.word} {order.journey}" for order in self.scenario.orders]
        lines += [
            f"  {change.at} becomes {dict(change.fields)} {dict(change.consents)}"
            for change in c.changes
        ]
        for h in c.arrivals:
            shown = {name: str(value) for name, value in h.fields.items() if value is not None}
            at = "" if h.at == h.arrives else f" of {h.at}"
            about = "" if h.about is None else f" about message {h.about}"
            lines.append(f"  {h.arrives} #{h.seq} {h.name}{at}{about} {shown}")
        return "\n".join([*lines, "by the interpreter, and by the engine:", *self.difference()])

    def difference(self) -> list[str]:
        """Return the common lines up to the first difference, and the lines that differ there."""
        expected, actual = _in_order(self.expected), _in_order(self.actual)
        pairs = zip(expected, actual, strict=False)
        same = next(
            (n for n, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(actual))
        )
        missing = [line for line in expected[same:] if line not in actual][:6]
        added = [line for line in actual[same:] if line not in expected][:6]
        before = [f"    {line}" for line in expected[max(0, same - 12) : same]]
        return [*before, *(f"  - {x}" for x in missing), *(f"  + {x}" for x in added)]


def _in_order(lines: Sequence[str]) -> list[str]:
    """Sort lines by passage, then by instant: a store keeps no order of the steps of one instant."""
    return sorted(lines, key=lambda line: (line.split(" ", 1)[0], line.split(" ", 1)[1]))


def drawn(batch: int) -> list[Scenario]:
    """Return the scenarios of a batch. One that the compiler refuses is drawn again."""
    scenarios = [draw(batch * SCENARIOS + n, batch) for n in range(SCENARIOS)]
    for attempt in range(1, _ATTEMPTS):
        _, refused = compiled(scenarios)
        if not refused:
            return scenarios
        scenarios = [draw(t.seed, batch, attempt) if t.seed in refused else t for t in scenarios]
    raise AssertionError(f"batch {batch} is refused {_ATTEMPTS} times")


def faults(
    scenarios: Sequence[Scenario], spacing: Spacing, expected: Lines | None = None
) -> Iterator[Fault]:
    """Yield the seeds of a batch whose traces differ. `expected` is what `expected_of` returns."""
    if not scenarios:
        return
    program, refused = compiled(scenarios)
    assert program is not None, f"refused: {refused}"
    actual = traces(program, scenarios, spacing)
    expected = expected or expected_of(scenarios, spacing)
    for scenario in scenarios:
        for customer in scenario.customers:
            both = expected[customer.id], actual[customer.id]
            if sorted(both[0]) != sorted(both[1]):
                yield Fault(scenario, customer, spacing, *both)


def expected_of(scenarios: Sequence[Scenario], spacing: Spacing = SPACINGS[0]) -> Lines:
    """Return the trace of each customer, by the interpreter, which is told the instants of ticks."""
    return Interpreter(in_one_store(scenarios), tick_times(scenarios, spacing)).run()


def reduced(fault: Fault) -> Fault:
    """Return the fault with its customer alone, and without events and changes that it does not need."""
    small = _alone(fault, fault.customer)
    if small is None:
        return fault
    for arrival in small.customer.arrivals:
        rest = [x for x in small.customer.arrivals if x is not arrival]
        small = _alone(small, replace(small.customer, arrivals=rest)) or small
    for change in small.customer.changes:
        others = [x for x in small.customer.changes if x is not change]
        small = _alone(small, replace(small.customer, changes=others)) or small
    return small


def _alone(fault: Fault, customer: Customer) -> Fault | None:
    scenario = replace(fault.scenario, customers=[customer])
    return next(faults([scenario], fault.spacing), None)
