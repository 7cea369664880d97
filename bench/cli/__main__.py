"""`python -m bench.cli`: what people wait for at the command line, beside what Python itself takes.

Wall time of a whole process, the best of ten, from this source tree. The times depend on the
machine; the ratios to `python -c pass` do so much less.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PORTIONS = ("grammar", "compiler", "runtime", "stdlib", "app")
CIJ = ("-c", "from cij.cli.main import main; main()")
EXAMPLE = ROOT / "examples" / "loyalty"
REPEATS = 10


UNCHANGED = "cij check, unchanged"
IDLE = "cij run --once, nothing to do"
# A run that does nothing is to cost little more than a check that has nothing to say.
RATIO_MAX = 1.5


class Case(NamedTuple):
    """A command to measure; `prepare` makes the folder in which it runs what it has to be."""

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path], None] = lambda folder: None
    environment: Mapping[str, str] = MappingProxyType({})


def _fresh_example(folder: Path) -> None:
    shutil.rmtree(folder / "loyalty", ignore_errors=True)
    leave = shutil.ignore_patterns(".cij", "outbox")
    shutil.copytree(EXAMPLE, folder / "loyalty", ignore=leave)


def _used_example(folder: Path) -> None:
    if not (folder / "loyalty" / ".cij").exists():
        _fresh_example(folder)
        _run((*CIJ, "run", "loyalty", "--once"), folder)


CASES = (
    Case("python -c pass", ("-c", "pass")),
    Case("import click", ("-c", "import click")),
    Case("import duckdb", ("-c", "import duckdb")),
    Case("cij --help", (*CIJ, "--help")),
    Case("cij check", (*CIJ, "check", "loyalty"), _fresh_example, {"CIJ_CACHE": "off"}),
    Case(UNCHANGED, (*CIJ, "check", "loyalty"), _used_example),
    Case("cij run --once, the first", (*CIJ, "run", "loyalty", "--once"), _fresh_example),
    Case(IDLE, (*CIJ, "run", "loyalty", "--once"), _used_example),
    Case(
        "cij run --once, all read again",
        (*CIJ, "run", "loyalty", "--once"),
        _used_example,
        {"CIJ_CACHE": "off"},
    ),
)


def main() -> None:
    """Print one line a case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = 0.0
        times: dict[str, float] = {}
        print(f"{'':32}{'ms':>8}{'ratio':>8}")
        for case in CASES:
            best = min(_seconds(case, folder) for _ in range(REPEATS))
            base = base or best
            times[case.name] = best
            print(f"{case.name:32}{best * 1000:8.0f}{best / base:8.1f}", flush=True)
        ratio = times[IDLE] / times[UNCHANGED]
        print(f"{'nothing to do / unchanged':32}{ratio:16.2f} (at most {RATIO_MAX})")


def _seconds(case: Case, folder: Path) -> float:
    case.prepare(folder)
    start = time.perf_counter()
    _run(case.arguments, folder, case.environment)
    return time.perf_counter() - start


def _run(
    arguments: tuple[str, ...], folder: Path, more: Mapping[str, str] = MappingProxyType({})
) -> None:
    path = os.pathsep.join(str(ROOT / portion) for portion in PORTIONS)
    environment = {**os.environ, **more, "PYTHONPATH": path}
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)


if __name__ == "__main__":
    main()
