"""Random pairs of versions of a journey: what is promised to those who are inside when it changes (S21).

Each batch is one project with some pairs. Its customers enter the older version, the newer one is deployed while
they are inside, and time goes on to the end. Compared with a store in which the older version went on alone:

- who is pinned has the trace that the older version gives;
- who is adopted never gets again what they got, or the program is refused;
- who has been in the older version counts as having been in the journey;
- when the last one has left, the older version is gone.

    python -m tests.version_pairs --pairs 1000 --from 0
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy, prepare
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import StoreError
from cij.runtime.migrate import changes
from cij.runtime.refresh import take_in
from cij.runtime.simulate import run_to, step_in_virtual_time
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.tiny import HEAD

START = datetime(2026, 3, 2, 9)
DAY = timedelta(days=1)
PEOPLE = 3
MESSAGES = "".join(
    f'message email m{n} {{\n  topic = service\n  locale "en" {{\n    subject = "{n}"\n    body = "{n}"\n  }}\n}}\n'
    for n in range(6)
)
TRACE = query(
    "SELECT p.journey, p.customer, h.state, h.at FROM history AS h JOIN passage AS p ON p.id = h.passage "
    "ORDER BY p.journey, p.customer, h.at, h.written, h.n"
)
SENT = query(
    "SELECT o.journey, o.customer, o.message, o.created_at FROM outbox AS o ORDER BY 1, 2, 4, 3"
)
ENTRIES = query("SELECT p.journey, p.customer, COUNT(*) FROM passage AS p GROUP BY 1, 2")


@dataclass(frozen=True, slots=True)
class Pair:
    """A journey in two versions, as the lines of their steps and heads."""

    number: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    adopts: bool

    def text(self, lines: tuple[str, ...], *, is_adopting: bool = False) -> str:
        """Return the journey with these steps."""
        head = "  in_flight = adopt\n" if is_adopting else ""
        body = "".join(f"    {line}\n" for line in lines)
        return f"journey j{self.number} {{\n{head}  enter on visit\n  steps {{\n{body}    end done\n  }}\n}}\n"


def pair(seed: int) -> Pair:
    """Draw a pair. The newer version has moved, removed, added or changed steps."""
    draw = random.Random(seed)
    sends = draw.sample(range(6), draw.randint(1, 4))
    waits = range(draw.randint(1, 3))
    old = [f"s{n}: send email m{n}" for n in sends]
    old += [f"w{n}: {_wait(draw)}" for n in waits]
    draw.shuffle(old)
    new = list(old)
    for _ in range(draw.randint(1, 3)):
        _mutate(new, draw)
    return Pair(seed, tuple(old), tuple(new or old), draw.random() < 0.6)


def _wait(draw: random.Random) -> str:
    days = draw.randint(1, 4)
    return f"wait {days} days" if draw.random() < 0.6 else f"wait for visit up to {days} days"


def _mutate(lines: list[str], draw: random.Random) -> None:
    if not lines:
        return
    place = draw.randrange(len(lines))
    what = draw.choice(("move", "remove", "add", "change"))
    if what == "remove" and len(lines) > 1:
        del lines[place]
    elif what == "move":
        lines.insert(draw.randrange(len(lines)), lines.pop(place))
    elif what == "change" and lines[place].startswith("w"):
        lines[place] = f"{lines[place].partition(':')[0]}: {_wait(draw)}"
    else:
        free = [n for n in range(6) if not any(line.startswith(f"s{n}:") for line in lines)]
        if free:
            lines.insert(place, f"s{free[0]}: send email m{free[0]}")


def _program(journeys: Iterator[str]) -> Program:
    text = HEAD + MESSAGES + "".join(journeys)
    found = compile_project(ProjectSettings("pairs", "UTC"), {"a.journey": text}, {}, {})
    errors = [d for d in found.diagnostics if d.is_error]
    assert found.program is not None and not errors, [d.message for d in errors]
    return found.program


def _begin(program: Program, draw: random.Random) -> tuple[World, SimulatedClock]:
    """Return a world in which everybody has come, and some have opened a message."""
    world, clock = deploy(open_engine(None, is_tiny=True), program, START), SimulatedClock(START)
    names = [f"c{n}" for n in range(PEOPLE)]
    people: dict[str, list[object]] = {"id": [*names], "zone": ["UTC"] * PEOPLE}
    world.engine.append("customer", people | {"email": [f"{n}@example.com" for n in names]})
    tick(world, START)
    for n, name in enumerate(names):
        at = START + n * DAY / 2
        _go(world, clock, at)
        _visit(world, name, at)
    # At least an hour after the last one has come, so that no two events are one.
    _go(world, clock, START + draw.randint(3, 7) * DAY / 2 + timedelta(hours=1))
    return world, clock


def _visit(world: World, who: str, at: datetime) -> None:
    row = {"event": "visit", "customer": who, "at": at, "id": f"{who} {at}"}
    assert take_in(world.engine, world.program, [row], at).accepted == 1
    step_in_virtual_time(world, at)


def _go(world: World, clock: SimulatedClock, to: datetime) -> None:
    run_to(world, clock, max(to, clock.now()), lambda at: None)


def _end(world: World, clock: SimulatedClock) -> None:
    """Let everybody come once more, and all time go by."""
    for n in range(PEOPLE):
        _visit(world, f"c{n}", clock.now())
    _go(world, clock, START + 40 * DAY)


def compare(pairs: list[Pair]) -> Counter[str]:
    """Check the promises for a batch, and return how often each situation was met."""
    old = _program(p.text(p.old) for p in pairs)
    seed = pairs[0].number
    alone, clock = _begin(old, random.Random(seed))
    with closing(alone.engine):
        _end(alone, clock)
        trace, sent = alone.engine.rows(TRACE), alone.engine.rows(SENT)
    world, clock = _begin(old, random.Random(seed))
    with closing(world.engine):
        return _compare(pairs, world, clock, trace, sent)


def _compare(
    pairs: list[Pair],
    world: World,
    clock: SimulatedClock,
    trace: list[tuple[object, ...]],
    sent: list[tuple[object, ...]],
) -> Counter[str]:
    refused = _refused(world.engine, pairs, clock.now())
    adopting = {f"j{p.number}" for p in pairs if p.adopts} - refused
    new = _program(p.text(p.new, is_adopting=f"j{p.number}" in adopting) for p in pairs)
    inside = {(c.journey, c.what) for c in changes(world.engine, new)}
    later = deploy(world.engine, new, clock.now())
    _end(later, clock)
    engine = later.engine
    _require_pinned(engine, adopting, trace, sent)
    _require_once(engine, adopting)
    assert all(count == 1 for *_, count in engine.rows(ENTRIES)), "somebody entered twice"
    left = deploy(engine, new, clock.now())
    versions = {(j.name, j.version) for j in new.journeys}
    assert left.journeys.keys() == versions, "an older version is there, and nobody is in it"
    return Counter(
        pairs=len(pairs),
        pinned=sum(what == "stays" for _, what in inside),
        adopted=sum(what == "adopts" for _, what in inside),
        refused=len(refused),
    )


def _refused(engine: Engine, pairs: list[Pair], now: datetime) -> set[str]:
    """Return the journeys whose adoption is refused, and require that a deployment says why."""
    wanted = _program(p.text(p.new, is_adopting=p.adopts) for p in pairs)
    prepare(engine, wanted)
    refused = {c.journey for c in changes(engine, wanted) if c.is_refused}
    if refused:
        try:
            deploy(engine, wanted, now)
        except StoreError as error:
            assert any(f"of {name}" in str(error) for name in refused), error
        else:
            raise AssertionError("a refused program was deployed")
    return refused


def _require_pinned(
    engine: Engine,
    adopting: set[str],
    trace: list[tuple[object, ...]],
    sent: list[tuple[object, ...]],
) -> None:
    for asked, wanted in ((TRACE, trace), (SENT, sent)):
        found = [row for row in engine.rows(asked) if row[0] not in adopting]
        expected = [row for row in wanted if row[0] not in adopting]
        assert found == expected, [
            r for r in (*found, *expected) if (r in found) != (r in expected)
        ]


def _require_once(engine: Engine, adopting: set[str]) -> None:
    times = Counter((j, who, message) for j, who, message, _ in engine.rows(SENT))
    twice = [key for key, count in times.items() if count > 1 and key[0] in adopting]
    assert not twice, f"sent again to people who were adopted: {twice}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--batch", type=int, default=20)
    asked = parser.parse_args()
    total = Counter[str]()
    for first in range(asked.first, asked.first + asked.pairs, asked.batch):
        total += compare([pair(seed) for seed in range(first, first + asked.batch)])
        print(f"from {first}: {dict(total)}", flush=True)


if __name__ == "__main__":
    main()
