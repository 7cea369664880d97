"""A few random pairs of versions; `python -m tests.version_pairs --pairs 1000` compares more."""

import pytest

from tests.version_pairs import compare, pair


@pytest.mark.slow
def test_people_inside_get_what_was_promised() -> None:
    met = compare([pair(seed) for seed in (0, 1, 3)])
    assert all(met[what] for what in ("pinned", "adopted", "refused")), met
