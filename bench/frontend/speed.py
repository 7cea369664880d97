"""What people wait for when they check and format, beside a bare Lark parse of the same text.

Whole processes on generated projects, the best of some runs: processor time, wall time, peak
memory. Bars are wall times on a quiet machine with two cores; the ratio is that of processor times,
which hardly depend on what else the machine does.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.frontend.generated import LINES_A_FILE, write_project

ROOT = Path(__file__).parents[2]
PORTIONS = ("grammar", "compiler", "runtime", "stdlib", "app")
CIJ = "from cij.cli.main import main; main()"
LARK = """
import sys
from pathlib import Path
from cij.grammar.table_cache import table
for file in sorted(Path(sys.argv[1]).rglob("*.journey")):
    table().parse(file.read_text("utf-8"))
"""


class Run(NamedTuple):
    """One process: what it took of the processor and by the clock, and the most memory it held."""

    processor_s: float
    wall_s: float
    megabytes: float


class Case(NamedTuple):
    """`prepare` is called before each run; `bar` is in seconds."""

    name: str
    arguments: tuple[str, ...]
    bar: float | None = None
    cache: str = "off"
    runs: int = 3
    prepare: Callable[[], object] = lambda: None


def main() -> None:
    """Print one table for each size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        _measured(("-c", LARK, name), "off")  # Builds the parse table, which every case needs.
        one = write_project(folder / "one", 1) / "campaigns" / "000"
        _table("one file", one, [Case("cij fmt --check", ("fmt", "--check", str(one)))])
        small = write_project(folder / "small", 5_000 // LINES_A_FILE)
        _table("5,000 lines", small, [Case("cij check", ("check", str(small)), bar=1.5)])
        big = write_project(folder / "big", 100_000 // LINES_A_FILE)
        _table("100,000 lines", big, _big_cases(big))


def _big_cases(folder: Path) -> list[Case]:
    check, file = ("check", str(folder)), folder / "campaigns" / "000" / "campaign_00000.journey"

    def touch() -> None:
        file.write_text(file.read_text("utf-8") + "\n# changed\n", encoding="utf-8")

    return [
        Case("cij check, nothing remembered", check, bar=15, runs=1),
        Case("cij check, to be remembered", check, bar=15, cache="on", runs=1),
        Case("cij check, unchanged", check, cache="on"),
        Case("cij check, one file changed", check, cache="on", prepare=touch),
        Case("cij fmt --check", ("fmt", "--check", str(folder)), runs=1),
    ]


def _table(title: str, folder: Path, cases: list[Case]) -> None:
    texts = [file.read_text("utf-8") for file in folder.rglob("*.journey")]
    lines = sum(text.count("\n") for text in texts)
    print(f"{title}: {len(texts)} files, {lines} lines")
    print(f"  {'':32}{'cpu s':>8}{'ratio':>8}{'wall s':>8}{'bar':>6}{'MB':>6}")
    base = _best(Case("Lark alone", (), runs=1), ("-c", LARK, str(folder)))
    _row("Lark alone", base, base, None)
    for case in cases:
        _row(case.name, _best(case, ("-c", CIJ, *case.arguments)), base, case.bar)
    print(flush=True)


def _row(name: str, run: Run, base: Run, bar: float | None) -> None:
    limit, ratio = "" if bar is None else f"{bar:g}", run.processor_s / base.processor_s
    times = f"{run.processor_s:8.2f}{ratio:8.2f}{run.wall_s:8.2f}"
    print(f"  {name:32}{times}{limit:>6}{run.megabytes:6.0f}", flush=True)


def _best(case: Case, arguments: tuple[str, ...]) -> Run:
    found: list[Run] = []
    for _ in range(case.runs):
        case.prepare()
        found.append(_measured(arguments, case.cache))
    return min(found)


def _measured(arguments: tuple[str, ...], cache: str) -> Run:
    path = os.pathsep.join(str(ROOT / portion) for portion in PORTIONS)
    environment = {**os.environ, "PYTHONPATH": path, "CIJ_CACHE": cache}
    start = time.perf_counter()
    out = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, out, stream) for stream in (1, 2)]
    command = [sys.executable, *arguments]
    process = os.posix_spawn(sys.executable, command, environment, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall_s = time.perf_counter() - start
    os.close(out)
    assert os.waitstatus_to_exitcode(status) == 0, arguments
    return Run(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024)
