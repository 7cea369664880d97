"""Prints what the front end costs, and how well it goes on after a mistake.

python -m bench.frontend [seeds]    # everything
python -m bench.frontend speed      # how long check and fmt take, and their memory
python -m bench.frontend recovery   # what a mistake costs, and how well it is told
"""

import sys
import time
from collections.abc import Callable
from statistics import mean

from bench.frontend import speed
from bench.frontend.mutations import Outcome, outcomes, sources
from cij.grammar.parser import parse
from cij.grammar.table_cache import table

LINES = 5_000
SEEDS = 3
ROUNDS = 7
CASES = 1_000
PAIRS = 300
GARBAGE = {
    "words": "lorem ipsum = dolor { sit } (amet ",
    "lines": "segment a {\n x y }\n",
    "statements": "journey j {\n  steps {\n    sned email a\n",
    "open braces": "{",
    "quotes": '"',
    "long quotes": '"""\n',
    "one word": "x",
}
GARBAGE_SIZE = 9_999_999


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else str(SEEDS)
    if wanted != "recovery":
        speed.main()
    if wanted != "speed":
        _recovery(int(wanted) if wanted.isdecimal() else SEEDS)


def _recovery(seeds: int) -> None:
    _speed()
    _garbage()
    for seed in range(seeds):
        _bars(seed)


def _speed() -> None:
    part = "\n".join(source.text for source in sources())
    text = "\n".join([part] * (LINES // part.count("\n") + 1))
    text = text[: text.index("\n}\n", _offset(text, LINES)) + 3]
    lark, ours = _alternate(lambda: table().parse(text), lambda: parse("a.journey", text))
    print(f"{text.count(chr(10))} lines: lark alone {lark:.0f} ms, parse {ours:.0f} ms", end="")
    print(f", ratio {ours / lark:.2f}")
    broken = text.replace("\n}\n", "\n  x y z\n}\n", 1)
    hurt, whole = _alternate(lambda: parse("a.journey", broken), lambda: parse("a.journey", text))
    print(f"with one mistake at its beginning: {hurt:.0f} ms, ratio {hurt / whole:.2f}")


def _offset(text: str, line: int) -> int:
    offset = 0
    for _ in range(line):
        offset = text.index("\n", offset) + 1
    return offset


def _alternate(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Return the shortest of several runs of each, in milliseconds."""
    pairs = [(_measured(one), _measured(other)) for _ in range(ROUNDS)]
    return min(first for first, _ in pairs), min(second for _, second in pairs)


def _measured(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def _garbage() -> None:
    for name, unit in GARBAGE.items():
        text = (unit * (GARBAGE_SIZE // len(unit) + 1))[:GARBAGE_SIZE]
        start = time.perf_counter()
        _, found = parse("a.journey", text)
        seconds = time.perf_counter() - start
        print(f"10 MB of {name}: {seconds:.1f} s, {len(found)} diagnostics")


def _bars(seed: int) -> None:
    found = sources()
    one, two = outcomes(found, seed, CASES), outcomes(found, seed, PAIRS, edits=2)
    print(f"seed {seed}, {CASES} single edits, {PAIRS} pairs")
    print(f"  exactly one diagnostic, at most a line away: {_share(one, _is_found)}")
    print(f"  diagnostics an edit: {mean(len(case.diagnostics) for case in one):.2f}")
    print(f"  all declarations in the tree: {_share(one, lambda case: case.is_usable)}")
    print(f"  two diagnostics for two edits: {_share(two, lambda c: len(c.diagnostics) == 2)}")


def _is_found(case: Outcome) -> bool:
    return case.is_found


def _share(cases: list[Outcome], is_good: Callable[[Outcome], bool]) -> str:
    return f"{mean(is_good(case) for case in cases):.1%}"


if __name__ == "__main__":
    main()
