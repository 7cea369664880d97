"""The engine and the interpreter agree: the same trace, instant by instant, however ticks are spaced.

`python -m tests.agreement --seeds 10000` draws more.
"""

from collections import Counter
from dataclasses import replace

import pytest

from tests.agreement.batch_settings import STREAMS
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
from tests.agreement.reaching import NAMES, reached
from tests.agreement.running import compiled, traces
from tests.agreement.tick_times import Spacing
from tests.conftest import FIXTURES, Golden

SEEDS = 1000
# The cheapest that together reach every feature, with each spacing of late ticks.
RUN = (3, 29, 42, 52, 59)
# A tick in time is the simplest of all schedules: the cheapest batch, and the cheapest in which events are
# handed in before their time.
IN_TIME = (5, 6)
# The least number of seeds that must exercise each feature.
LEAST = 20
REACHED = "agreement/{} {}.txt"


@pytest.mark.slow
@pytest.mark.parametrize("batch", IN_TIME)
def test_the_engine_does_what_the_interpreter_expects(batch: int, golden: Golden) -> None:
    check(batch, SPACINGS[batch % len(SPACINGS)], golden)


@pytest.mark.slow
@pytest.mark.parametrize("batch", RUN)
def test_late_ticks_do_what_ticks_in_time_would_do(batch: int, golden: Golden) -> None:
    check(batch, LATE[batch % len(LATE)], golden)


def check(batch: int, spacing: Spacing, golden: Golden) -> None:
    """Compare, and keep by how many seeds each feature is reached."""
    scenarios = drawn(batch)
    expected = expected_of(scenarios, spacing)
    fault = next(faults(scenarios, spacing, expected), None)
    if fault is not None:
        pytest.fail(f"seed {fault.seed} of batch {batch} differs:\n{reduced(fault).text()}")
    found = reached(scenarios, expected)
    golden(
        _kept(batch, is_late=spacing.late is not None), "".join(f"{n}: {found[n]}\n" for n in NAMES)
    )


def _kept(batch: int, *, is_late: bool) -> str:
    return REACHED.format("late" if is_late else "in time", batch)


@pytest.mark.slow
def test_a_difference_is_seen_and_shown() -> None:
    scenarios = [replace(s, customers=s.customers[:8]) for s in drawn(0)[:1]]
    program, _ = compiled(scenarios)
    assert program is not None
    actual = traces(program, scenarios, Spacing())
    scenario = scenarios[0]
    customer = next(c for c in scenario.customers if actual[c.id])
    expected = expected_of(scenarios)[customer.id]
    assert sorted(expected) == sorted(actual[customer.id])
    text = Fault(scenario, customer, Spacing(), expected[1:], actual[customer.id]).text()
    assert f"  + {expected[0]}" in text and scenario.text in text


def test_every_feature_is_reached_by_many_seeds() -> None:
    assert (len(RUN) + len(IN_TIME)) * SCENARIOS * STREAMS >= SEEDS
    assert {batch % len(LATE) for batch in RUN} == set(range(len(LATE)))
    files = [*(_kept(n, is_late=True) for n in RUN), *(_kept(n, is_late=False) for n in IN_TIME)]
    found: Counter[str] = Counter()
    for file in files:
        for line in (FIXTURES / file).read_text(encoding="utf-8").splitlines():
            name, _, count = line.rpartition(": ")
            found[name] += int(count)
    assert {name: found[name] for name in NAMES if found[name] < LEAST} == {}
