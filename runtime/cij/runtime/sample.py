"""A sample of the customers of a store, for replays that need not be of everybody.

    customer --hash of the id--> the N lowest --bound--> both copies without all others

A customer is in or out by their id alone. So two programs get the same people, a sample is the same the next
time, and a larger one has all of a smaller one.
"""

from dataclasses import dataclass

from cij.compiler.program import Program
from cij.runtime.engine import Engine
from cij.runtime.store import sampling


@dataclass(frozen=True, slots=True)
class Sample:
    """Customers whose hash is at most `bound`: `customers` of the `whole`."""

    customers: int
    whole: int
    bound: str


def sample_of(engine: Engine, count: int) -> Sample:
    """Choose customers of a store; all where it has fewer than `count`."""
    whole = engine.rows(sampling.WHOLE)[0][0]
    chosen, bound = engine.rows(sampling.LOWEST, {"count": count})[0]
    return Sample(chosen, whole, bound or "")


def keep_sample(engine: Engine, program: Program, sample: Sample) -> None:
    """Remove all customers of a copy who are not in the sample, and what they did and will agree to."""
    at = {"bound": sample.bound}
    for statement in sampling.LEAVE_OUT:
        engine.execute(statement, at)
    for event in program.events:
        engine.execute(sampling.leave_out_events(event.name), at)
