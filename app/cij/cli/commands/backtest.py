"""`cij backtest`: what the journeys would have done in a past period."""

from datetime import datetime, timedelta
from pathlib import Path

import click

from cij.app.activity import Activity, replayed
from cij.cli.activity_table import clear_progress, exit_with, print_activity, progress
from cij.cli.arguments import LocalTime
from cij.cli.order_options import project_option

_TIMES = ["%Y-%m-%d", "%Y-%m-%d %H:%M"]


@click.command(
    epilog="""\b
Examples:
  cij backtest --from 2026-01-01 --to 2026-03-31
  cij backtest abandoned_cart --from 2026-01-01 --svg carts.svg
  cij backtest --from "2026-01-01 08:00" --to "2026-01-01 20:00" --json"""
)
@click.argument("journey", required=False)
@click.option("--from", "start", type=LocalTime(_TIMES), required=True)
@click.option(
    "--to", "end", type=LocalTime(_TIMES), help="A day is included as a whole. Default: now."
)
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@click.option("--svg", type=click.Path(path_type=Path), help="Draw the numbers into this file.")
def command(
    journey: str | None,
    start: datetime,
    end: datetime | None,
    path: Path,
    as_json: bool,
    svg: Path | None,
) -> None:
    """Replay the events of a past period with the journeys as they are written now.

    Replays all journeys, or JOURNEY alone. Each event counts at its own instant. Customers who
    opened or clicked the message of a step do so again. The command works on a copy of the state,
    or on the sources alone. It sends nothing and keeps nothing. Fields of customers are those of
    today, because older values are not kept. Times are local to the project's zone.
    """
    found = replayed(path, journey, start, end, progress)
    clear_progress()
    more: dict[str, float] = {
        "events": found.events,
        "looked_every_seconds": found.every.total_seconds(),
    }
    more["is_approximate"] = found.every > timedelta(seconds=1)
    title = f"a replay of {_events(found)}"
    print_activity(found, title, is_json=as_json, svg=svg, **more)
    exit_with(found.course)


def _events(found: Activity) -> str:
    text = f"{found.events} event{'' if found.events == 1 else 's'}"
    minutes = int(found.every.total_seconds()) // 60
    about = f", looked at every {minutes} min, so hours and counts are approximate"
    return text + (about if minutes else "")
