"""How many examples the drawn tests take.

A full run takes few, so that it stays short. `CIJ_DRAWS=20 pytest tests/test_conditions.py` takes
twenty times as many; the long searches have commands of their own (`python -m tests.agreement`,
`python -m tests.fuzzing`, `python -m bench.fuzz`).
"""

import os

_TIMES = int(os.environ.get("CIJ_DRAWS", "1"))
# Of a test that says no number.
USUAL = 30


def draws(count: int) -> int:
    return count * _TIMES
