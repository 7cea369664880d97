"""`python -m bench.review [JOURNEYS | keystrokes]`: `cij diff` of a small change, beside `cij check` of the same project.

A ratio of at most 3 is the aim: both sides are compiled, and parsed where they differ. The project is the shop of
the tests, again and again under other names, in a git repository. CPU seconds of the processes, cold and with
the caches; the median of three rounds.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.review import keystrokes

SHOP = Path(__file__).parents[2] / "tests" / "fixtures" / "review" / "shop"
CIJ = Path(sys.executable).parent / "cij"
ROUNDS = 3
# What is declared in the file of the journeys, and gets another name in each copy.
_NAMES = re.compile(
    r"\b(?P<word>segment|email|sms|journey|for) (?P<name>loyal|reward|gold_perks_short|gold_perks|vip|browse|loyalty|browsing)\b"
)


def main() -> None:
    """Print the seconds and the ratios."""
    if sys.argv[1:] == ["keystrokes"]:
        keystrokes.main()
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        _make(root, count)
        print(f"{'change':<28} {'caches':<8} {'check':>8} {'diff':>8} {'ratio':>6}")
        for name, change in (
            ("ten lines in two files", _edit_two),
            ("a column that all read", _edit_all),
        ):
            change(root)
            for caches in ("off", "on"):
                check, diff = _measured(root, Path(folder) / "cache", caches, change)
                print(f"{name:<28} {caches:<8} {check:>7.2f}s {diff:>7.2f}s {diff / check:>6.1f}")


def _make(root: Path, count: int) -> None:
    journeys = (SHOP / "journeys" / "rewards.journey").read_text(encoding="utf-8")
    (root / "journeys").mkdir(parents=True)
    (root / "cij.toml").write_bytes((SHOP / "cij.toml").read_bytes())
    data = (SHOP / "journeys" / "data.journey").read_bytes()
    (root / "journeys" / "data.journey").write_bytes(data)
    for number in range(count // journeys.count("\njourney ")):
        text = _NAMES.sub(rf"\g<word> \g<name>_{number}", journeys)
        (root / "journeys" / f"r{number:04}.journey").write_text(text, encoding="utf-8")
    person = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for words in (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *words], cwd=root, check=True)


def _edit_two(root: Path) -> None:
    for number in (1, 2):
        file = root / "journeys" / f"r{number:04}.journey"
        text = file.read_text(encoding="utf-8").replace("points > 1000", "points > 1500")
        text = re.sub(r"settle: wait \d+ days", "settle: wait 4 days", text)
        text = text.replace("50% long", "60% long").replace("50% short", "40% short")
        # Every round has another text, so that no cached report fits.
        file.write_text(text + "\n# round\n", encoding="utf-8")


def _edit_all(root: Path) -> None:
    file = root / "journeys" / "data.journey"
    text = file.read_text(encoding="utf-8").replace("points = integer", "points = decimal")
    file.write_text(text + "\n# round\n", encoding="utf-8")


def _measured(
    root: Path, cache: Path, caches: str, change: Callable[[Path], None]
) -> tuple[float, float]:
    environment = {**os.environ, "CIJ_CACHE": caches, "XDG_CACHE_HOME": str(cache)}
    _cpu_s(root, environment, "check")
    checks, diffs = [], []
    for _ in range(ROUNDS):
        change(root)
        checks.append(_cpu_s(root, environment, "check"))
        diffs.append(_cpu_s(root, environment, "diff", "HEAD"))
    return median(checks), median(diffs)


def _cpu_s(root: Path, environment: dict[str, str], *words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([CIJ, *words], cwd=root, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
