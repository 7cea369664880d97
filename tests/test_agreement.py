"""The engine and the interpreter agree: the same trace, instant by instant, however ticks lie.

`python -m tests.agreement --seeds 10000` draws more.
"""

from collections import Counter

import pytest

from cij.runtime import aside, moments, wave
from tests.agreement.comparing import SPACINGS, TALES, Fault, drawn, faults, reduced, told_of
from tests.agreement.drawing import draw
from tests.agreement.eras import ERAS, STREAMS, WITH_CALLS
from tests.agreement.reaching import FEATURES, HEADS, OTHERS, reached
from tests.agreement.running import Spacing, compiled, traces

SEEDS = 1000
BATCHES = -(-SEEDS // (TALES * STREAMS))
# Batches of those after them in which journeys call actions.
CALLING = range(ERAS - WITH_CALLS, ERAS)
# Batches that run with every spacing besides.
AGAIN = 1
# Batches in which everybody is moved as very many are.
VERY_MANY = 2
# Seeds that must come to each feature.
LEAST = 20


@pytest.mark.slow
@pytest.mark.parametrize("batch", [*range(BATCHES), *CALLING])
def test_the_engine_does_what_the_interpreter_tells(batch: int) -> None:
    check(batch, SPACINGS[batch % len(SPACINGS)])


@pytest.mark.slow
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("batch", range(BATCHES, BATCHES + AGAIN))
def test_the_spacing_of_ticks_changes_nothing(batch: int, spacing: Spacing) -> None:
    check(batch, spacing)


@pytest.mark.slow
def test_a_plan_for_several_journeys_and_few_customers_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wave, "_COMMON_MIN", 1)
    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1_000)
    check(BATCHES + AGAIN, Spacing())


@pytest.mark.slow
def test_moving_very_many_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are as many as a million: they are moved where they stand, and asked all at once."""
    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1.1 / (TALES * STREAMS))
    monkeypatch.setattr(wave, "_CROWD_MIN", 0)
    monkeypatch.setattr(wave, "_AT_ONCE_MIN", 0)
    monkeypatch.setattr(moments, "_CUSTOMERS_MIN", 0)
    for batch in range(BATCHES + AGAIN + 1, BATCHES + AGAIN + 1 + VERY_MANY):
        check(batch, Spacing())


def check(batch: int, spacing: Spacing) -> None:
    fault = next(faults(drawn(batch), spacing), None)
    if fault is not None:
        pytest.fail(f"seed {fault.seed} of batch {batch} differs:\n{reduced(fault).text()}")


def test_a_difference_is_seen_and_shown() -> None:
    tales = drawn(0)
    program, _ = compiled(tales)
    assert program is not None
    ran = traces(program, tales, Spacing())
    tale = tales[0]
    customer = next(c for c in tale.customers if ran[c.id])
    told = told_of(tales)[customer.id]
    assert sorted(told) == sorted(ran[customer.id])
    text = Fault(tale, customer, Spacing(), told[1:], ran[customer.id]).text()
    assert f"  + {told[0]}" in text and tale.text in text


def test_every_feature_is_reached_by_many_seeds() -> None:
    found: Counter[str] = Counter()
    for batch in (*range(BATCHES), *CALLING):
        tales = [draw(batch * TALES + n, batch) for n in range(TALES)]
        found += reached(tales, told_of(tales))
    assert {name: found[name] for name in (*FEATURES, *HEADS, *OTHERS) if found[name] < LEAST} == {}
