"""The engine and the interpreter agree: the same trace, instant by instant, however ticks are spaced.

`python -m tests.agreement --seeds 10000` draws more.
"""

from collections import Counter
from dataclasses import replace

import pytest

from tests.agreement.batch_settings import BATCH_CYCLE, STREAMS, WITH_CALLS
from tests.agreement.comparing import (
    LATE,
    SCENARIOS,
    SPACINGS,
    Fault,
    drawn,
    expected_of,
    faults,
    reduced,
)
from tests.agreement.drawing import draw
from tests.agreement.reaching import FEATURES, HEADS, OTHERS, reached
from tests.agreement.running import compiled, traces
from tests.agreement.tick_times import Spacing

SEEDS = 1000
BATCHES = -(-SEEDS // (SCENARIOS * STREAMS))
# In the others, held-out people, caps of several messages and `ends` are rare. The last two have many.
RUN = (*range(BATCHES), 8, 14)
# Every fourth batch runs in time as well as late: a tick in time is the simplest of all schedules.
IN_TIME = range(0, BATCHES, 4)
# Later batches, in which journeys call actions.
CALLING = range(BATCH_CYCLE - WITH_CALLS, BATCH_CYCLE)
# Batches that run once with each spacing.
AGAIN = 1
# The least number of seeds that must exercise each feature.
LEAST = 20


@pytest.mark.slow
@pytest.mark.parametrize("batch", [*IN_TIME, *CALLING[:2]])
def test_the_engine_does_what_the_interpreter_expects(batch: int) -> None:
    check(batch, SPACINGS[batch % len(SPACINGS)])


@pytest.mark.slow
@pytest.mark.parametrize("batch", [*RUN, CALLING[0]])
def test_late_ticks_do_what_ticks_in_time_would_do(batch: int) -> None:
    check(batch, LATE[batch % len(LATE)])


@pytest.mark.slow
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("batch", range(BATCHES, BATCHES + AGAIN))
def test_the_spacing_of_ticks_changes_nothing(batch: int, spacing: Spacing) -> None:
    check(batch, spacing)


def check(batch: int, spacing: Spacing) -> None:
    fault = next(faults(drawn(batch), spacing), None)
    if fault is not None:
        pytest.fail(f"seed {fault.seed} of batch {batch} differs:\n{reduced(fault).text()}")


def test_a_difference_is_seen_and_shown() -> None:
    scenarios = [replace(s, customers=s.customers[:8]) for s in drawn(0)]
    program, _ = compiled(scenarios)
    assert program is not None
    actual = traces(program, scenarios, Spacing())
    scenario = scenarios[0]
    customer = next(c for c in scenario.customers if actual[c.id])
    expected = expected_of(scenarios)[customer.id]
    assert sorted(expected) == sorted(actual[customer.id])
    text = Fault(scenario, customer, Spacing(), expected[1:], actual[customer.id]).text()
    assert f"  + {expected[0]}" in text and scenario.text in text


@pytest.mark.slow
def test_every_feature_is_reached_by_many_seeds() -> None:
    found: Counter[str] = Counter()
    for batch in (*RUN, *CALLING):
        scenarios = [draw(batch * SCENARIOS + n, batch) for n in range(SCENARIOS)]
        found += reached(scenarios, expected_of(scenarios))
    assert {name: found[name] for name in (*FEATURES, *HEADS, *OTHERS) if found[name] < LEAST} == {}
