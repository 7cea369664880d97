"""`python -m bench.fuzz --seconds 600 [--seed 7]`: look for a text that breaks a promise.

Goes round the kinds of text of `tests/fuzzing.py`. The smallest text that breaks one is printed by
Hypothesis, with the seed to find it again; peak memory is printed at the end and has a bound.
"""

import argparse
import resource
import time
from collections.abc import Callable
from itertools import count, cycle
from typing import Any

from hypothesis import HealthCheck, given, seed, settings, strategies as st

from tests.fuzzing import TEXTS, examine, examine_bytes

CASES_A_ROUND = 100
MEGABYTES_MAX = 1_000
SECONDS = 20.0


def main() -> None:
    arguments = _arguments()
    end = time.monotonic() + arguments.seconds
    kinds: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]]
    kinds = {name: (texts, examine) for name, texts in TEXTS.items()}
    kinds["any bytes"] = st.binary(max_size=2_000), examine_bytes
    cases = dict.fromkeys(kinds, 0)
    for number, kind in zip(count(arguments.seed), cycle(kinds), strict=False):
        if time.monotonic() > end:
            break
        _round(number, *kinds[kind])
        cases[kind] += CASES_A_ROUND
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for kind, number in cases.items():
        print(f"{kind:28}{number:10} cases")
    print(f"nothing found; peak memory {megabytes} MB")
    assert megabytes < MEGABYTES_MAX, "too much memory"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    return parser.parse_args()


def _round(number: int, texts: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    @seed(number)
    @settings(
        max_examples=CASES_A_ROUND,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(texts)
    def each(text: Any) -> None:
        check(text)

    try:
        each()
    except BaseException:
        print(f"broken in round {number}: run again with --seed {number}", flush=True)
        raise


if __name__ == "__main__":
    main()
