"""`python -m bench.review.plan [CUSTOMERS]`: `cij plan` beside the evaluation of what has changed.

A ratio of at most 3 is the aim. The first number is one evaluation of the changed segments, before and after, and
one simulation of the days with each program, called directly; the second is the whole command. CPU seconds
of one process each, the median of three rounds.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

SHOP = Path(__file__).parents[2] / "tests" / "fixtures" / "review" / "shop"
CIJ = Path(sys.executable).parent / "cij"
ROUNDS = 3
DAYS = "7"
# What the command cannot do without, by itself: no comparison of texts, no report.
_ALONE = """
import sys
from pathlib import Path
from cij.app.compile import compile_path
from cij.app.open_store import open_copy
from cij.compiler.sql.plan.segments import segment_size
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import look
from cij.runtime.forecast import forecast
from cij.runtime.insight.person import deployed

made, now = compile_path(Path()), LiveClock().now()
for number in range(2):
    engine = open_copy(made.project)
    program = made.program if number else deployed(engine)
    look(engine, program).calendar.show(now)
    engine.rows(segment_size(program.segments[0], program), {"now": now})
    forecast(engine, program, made.project.root, now, int(sys.argv[1]), ["loyalty"])
    engine.close()
"""


def main() -> None:
    """Print the seconds and the ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _make(root, count)
        _cpu_s(root, CIJ, "run", "--once")
        file = root / "journeys" / "rewards.journey"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("points > 1000", "points > 1500"), encoding="utf-8")
        alone, plan = [], []
        for _ in range(ROUNDS):
            alone.append(_cpu_s(root, sys.executable, "-c", _ALONE, DAYS))
            plan.append(_cpu_s(root, CIJ, "plan", "--days", DAYS))
    ratio = median(plan) / median(alone)
    print(f"{'customers':>10} {'alone':>8} {'plan':>8} {'ratio':>6}")
    print(f"{count:>10,} {median(alone):>7.2f}s {median(plan):>7.2f}s {ratio:>6.1f}")


def _make(root: Path, count: int) -> None:
    (root / "journeys").mkdir()
    (root / "data").mkdir()
    (root / "cij.toml").write_bytes((SHOP / "cij.toml").read_bytes())
    for file in (SHOP / "journeys").glob("*.journey"):
        (root / "journeys" / file.name).write_bytes(file.read_bytes())
    with (root / "data" / "customers.csv").open("w", encoding="utf-8") as customers:
        customers.write("customer_id,email,phone,first_name,language,tier,points,newsletter\n")
        for n in range(count):
            # One in a hundred is in the segment, so that the store is large and the journey is not.
            points = 2000 if n % 100 == 0 else n % 1000
            customers.write(f"c{n},c{n}@example.com,,N{n},en,gold,{points},true\n")
    (root / "data" / "orders.csv").write_text("order_id,customer_id,ordered_at,total,coupon\n")


def _cpu_s(root: Path, *words: str | Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
