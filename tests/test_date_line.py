"""Virtual time stops at the right instant also where a zone crosses the date line.

Samoa left out 30 December 2011: its clocks went from -10:00 to +14:00.
"""

from datetime import datetime

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.refresh import take_in
from cij.runtime.simulate import run_to
from tests.conftest import FIXTURES

_JOURNEY = """
segment quiet {
  where email is known and not any(visit within last 7 days)
  refresh = 1 hour
}

journey in_quiet {
  enter from segment quiet
  again always

  steps {
    hello: send email first
  }
}
"""


def _program() -> Program:
    data = FIXTURES / "stories" / "passing" / "data.journey"
    texts = {"data.journey": data.read_text(encoding="utf-8"), "quiet.journey": _JOURNEY}
    compilation = compile_project(ProjectSettings("samoa", "Pacific/Apia"), texts, {}, {})
    assert compilation.program is not None, compilation.diagnostics
    return compilation.program


@pytest.mark.parametrize("hour", [0, 6, 12, 18])
def test_a_window_ends_in_time_when_a_zone_skips_a_day(hour: int) -> None:
    """Seven days of the calendar are six days of time here."""
    start, happened = datetime(2011, 12, 24), datetime(2011, 12, 25, hour)
    world = deploy(open_engine(None), _program(), start)
    customer = {"id": ["ana"], "zone": ["Pacific/Apia"], "email": ["a@example.com"]}
    world.engine.append("customer", customer)
    visit = {"event": "visit", "customer": "ana", "at": happened}
    take_in(world.engine, world.program, [visit], happened)
    run_to(world, SimulatedClock(happened), datetime(2012, 1, 5), lambda at: None)
    entered = world.engine.rows(query("SELECT p.entered_at FROM passage AS p"))
    world.engine.close()
    # The visit was at 14:00 of the day before at +0 hours; its window ends at that local time.
    assert entered == [(datetime(2011, 12, 31, hour),)]
