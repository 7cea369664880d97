"""The figures of a measure now: sum, average, percentiles, for each group of customers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from cij.compiler.program import Measure, Program, Segment
from cij.compiler.sql import figures_of_measure as queries
from cij.runtime.engine import Engine
from cij.runtime.moments import fill_moments

# As in the language (S30): of a quotient so many places stay, and halves go away from zero.
_PLACES = Decimal("0.000001")
_EXACT = Context(prec=76, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one group. Those of values are None where no value is known.

    `sum` and `average` are None for values that cannot be added. A percentile is the value of a
    customer.
    """

    group: Any
    customers: int
    known: int
    different: int
    sum: Any
    average: Any
    smallest: Any
    p25: Any
    median: Any
    p75: Any
    p90: Any
    largest: Any


def measure_figures(
    engine: Engine,
    program: Program,
    measure: Measure,
    now: datetime,
    *,
    by: str | None = None,
    within: Segment | None = None,
) -> list[Figures]:
    """Return the figures of a measure for each value of the customers' field `by`, in its order.

    Customers are all, or the members of a segment.
    """
    fill_moments(engine, now)
    statement = queries.figures(measure, program, by, within)
    return [_figures(*row) for row in engine.rows(statement, {"now": now})]


def _figures(
    group: Any, customers: int, known: int, different: int, sum: Any, *values: Any
) -> Figures:
    return Figures(group, customers, known, different, sum, _average(sum, known), *values)


def _average(sum: Any, known: int) -> Decimal | None:
    if sum is None or not known:
        return None
    return _EXACT.quantize(_EXACT.divide(Decimal(sum), Decimal(known)), _PLACES)
