"""Any text at all is read, checked and formatted: never a traceback, never for long.

The same cases each time. `python -m bench.fuzz --seconds 600` draws others.
"""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.draws import draws
from tests.fuzzing import TEXTS, examine, examine_bytes
from tests.value_fuzzing import examine_values

CASES = {"deep nesting": 15, "changed examples": 25, "programs of the grammar": 40}
FIXED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXTS)
def test_any_text_is_read_checked_and_formatted(kind: str) -> None:
    @settings(FIXED, max_examples=draws(CASES.get(kind, 60)))
    @given(TEXTS[kind])
    def each(text: str) -> None:
        examine(text)

    each()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_odd_values_come_through_every_door(seed: int) -> None:
    """`python -m tests.fuzzing --minutes 60` tries others, and more commands."""
    made = examine_values(seed, is_thorough=False)
    assert len(made.done) > 8


# What a longer search has found.
FOUND = ("journey use ",)


@pytest.mark.parametrize("text", FOUND)
def test_what_was_found_once_stays_mended(text: str) -> None:
    examine(text)


@settings(FIXED, max_examples=draws(70))
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    examine_bytes(data)
