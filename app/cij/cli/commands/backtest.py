"""`cij backtest`: what the journeys would have done in a past period, with nothing sent."""

from datetime import datetime, timedelta
from pathlib import Path

import click

from cij.app.compile import compiled
from cij.app.open_store import open_copy
from cij.cli import course
from cij.cli.arguments import Moment
from cij.cli.controlling import project_option
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Program
from cij.runtime.backtest import Backtest, backtest
from cij.runtime.clock import LiveClock

_TIMES = ["%Y-%m-%d", "%Y-%m-%d %H:%M"]


@click.command(
    epilog="""\b
Examples:
  cij backtest --from 2026-01-01 --to 2026-03-31
  cij backtest abandoned_cart --from 2026-01-01 --svg carts.svg
  cij backtest --from "2026-01-01 08:00" --to "2026-01-01 20:00" --json"""
)
@click.argument("journey", required=False)
@click.option("--from", "start", type=Moment(_TIMES), required=True)
@click.option("--to", "end", type=Moment(_TIMES), help="A day counts whole. Default: now.")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@click.option("--svg", type=click.Path(path_type=Path), help="Draw the numbers into FILE.")
def command(
    journey: str | None,
    start: datetime,
    end: datetime | None,
    path: Path,
    as_json: bool,
    svg: Path | None,
) -> None:
    """Replay the events of a past period over the journeys as they are written now.

    All of them, or JOURNEY alone. People enter as they would have, each event counts at its own
    instant, and who opened or clicked the message of a step does so again. Works on a copy, from the
    state or from the sources alone; nothing is sent and nothing kept. Fields of customers are those
    of today, for older values are not kept. Times are local to the project's zone.
    """
    project, program = compiled(path)
    zone = project.settings.project.timezone
    begin, finish = course.instant(start, zone), _end(end, zone)
    if begin >= finish:
        raise click.UsageError("`--from` is not before `--to`")
    program = _only(program, journey)
    engine = open_copy(project)
    try:
        limits = course.limits(project.settings)
        show = course.progress(zone)
        found = backtest(engine, program, project.root, begin, finish, show, limits)
    finally:
        engine.close()
    course.clear_progress()
    title = f"a replay of {_events(found)}"
    more = {"events": found.events, "looked_every_seconds": found.every.total_seconds()}
    course.tell(found.course, zone, title, as_json=as_json, svg=svg, **more)


def _end(end: datetime | None, zone: str) -> datetime:
    if end is None:
        return LiveClock().now()
    is_day = (end.hour, end.minute) == (0, 0)
    if not is_day:
        return course.instant(end, zone)
    return course.instant(end + timedelta(days=1), zone) - timedelta(seconds=1)


def _only(program: Program, journey: str | None) -> Program:
    if journey is None:
        return program
    names = [j.name for j in program.journeys]
    if journey not in names:
        hint = did_you_mean(journey, names)
        text = f"there is no journey `{journey}`"
        raise click.UsageError(f"{text}; {hint}" if hint else text)
    alone = tuple(j for j in program.journeys if j.name == journey)
    return program.model_copy(update={"journeys": alone})


def _events(found: Backtest) -> str:
    text = f"{found.events} event{'' if found.events == 1 else 's'}"
    minutes = int(found.every.total_seconds()) // 60
    return text + (f", looked at every {minutes} min" if minutes else "")
