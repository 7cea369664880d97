"""A project with fifty mistakes of many kinds: one run tells of all of them, each in its line."""

import re
from collections import Counter
from pathlib import Path

from cij.app.compile import compile_path

FIFTY = Path(__file__).parent / "fixtures" / "diagnostics" / "fifty"
SEEDED_MIN, FOUND_MIN = 50, 48
# A word that begins nothing may be noticed a few lines later.
ELSEWHERE_MAX = 1

# A line that has a mistake says which at its end.
_EXPECTED = re.compile(r"# (CIJ\d+)$")


def seeded() -> Counter[tuple[str, int, str]]:
    """Return the mistakes that are in the files, by file, line and code."""
    found: Counter[tuple[str, int, str]] = Counter()
    for file in sorted(FIFTY.rglob("*.journey")):
        name = file.relative_to(FIFTY).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if match := _EXPECTED.search(line):
                found[name, number, match[1]] += 1
    return found


def test_one_run_tells_of_nearly_all_mistakes_each_in_its_line() -> None:
    expected = seeded()
    reported = Counter((d.span.file, d.span.line, d.code) for d in compile_path(FIFTY).diagnostics)
    assert expected.total() >= SEEDED_MIN
    assert (expected & reported).total() >= FOUND_MIN, sorted(expected - reported)
    # What only follows from another mistake is not told.
    elsewhere = reported - expected
    assert elsewhere.total() <= ELSEWHERE_MAX, sorted(elsewhere)
