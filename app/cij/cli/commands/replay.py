"""`cij replay`: where a new program would have done something else with recorded events."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cij.app.program_replay import Replay, replay
from cij.app.zone_times import local
from cij.cli.activity_table import clear_progress, progress
from cij.cli.arguments import LocalTime
from cij.cli.order_options import project_option
from cij.cli.render.width import shown
from cij.runtime.divergence import Divergence

_TIMES = ["%Y-%m-%d", "%Y-%m-%d %H:%M"]


@click.command(
    epilog="""\b
Examples:
  cij replay --from 2026-01-01                       # the files on disk
  cij replay my-branch --from 2026-01-01 --to 2026-03-31
  cij replay --from 2026-01-01 --sample 1000         # 1,000 customers, always the same
  cij --env prod replay --from 2026-01-01 --json"""
)
@click.argument("new", metavar="[NEW]", required=False)
@click.option("--from", "start", type=LocalTime(_TIMES), required=True)
@click.option(
    "--to", "end", type=LocalTime(_TIMES), help="A day is included as a whole. Default: now."
)
@click.option(
    "--sample",
    "count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Replay N customers only. A larger sample has all customers of a smaller one. Default: everybody.",
)
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def command(
    new: str | None,
    start: datetime,
    end: datetime | None,
    count: int | None,
    path: Path,
    as_json: bool,
) -> None:
    """Replay the events of a past period with the program that runs and with NEW, and compare.

    NEW is a revision of git or a folder; without it the files on disk. For each customer in a journey the
    first difference counts, and each kind of difference has one example. Works on copies of the state as
    `cij backtest` does: fields of customers are those of today. Sends nothing and keeps nothing.
    """
    found = replay(path, new, start, end, progress, count)
    clear_progress()
    if as_json:
        click.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
        return
    for line in _lines(found):
        click.echo(line)


def _plain(found: Replay) -> dict[str, Any]:
    def row(each: Divergence) -> dict[str, Any]:
        at = {
            k: v and f"{v.isoformat()}Z"
            for k, v in (("was_at", each.was_at), ("is_at", each.is_at))
        }
        return {**asdict(each), **at}

    return {
        "older": found.older,
        "newer": found.newer,
        "sample": found.sample and {"customers": found.sample.customers, "of": found.sample.whole},
        "events": found.events,
        "looked_every_seconds": found.every.total_seconds(),
        "compared": found.found.compared,
        "differ": found.found.differ,
        "divergences": [row(each) for each in found.found.found],
    }


def _lines(found: Replay) -> list[str]:
    counts = found.found
    events = f"{found.events} event{'' if found.events == 1 else 's'}"
    head = (
        f"{found.older[:8]} (runs) and {found.newer[:8]} (new) over {events}: of {counts.compared} customers in "
        f"journeys {counts.differ} first differ"
    )
    return [
        head,
        *_sampled(found),
        *(line for each in counts.found for line in _of(each, found.zone)),
    ]


def _sampled(found: Replay) -> list[str]:
    if found.sample is None:
        return []
    return [
        f"a sample of {found.sample.customers} of {found.sample.whole} customers: all counts are of the sample"
    ]


def _of(each: Divergence, zone: str) -> list[str]:
    people = f"{each.customers} customer{'' if each.customers == 1 else 's'}"
    was, now_is = each.was or "nothing", each.now_is or "nothing"
    what = f"{was}, {each.kind}" if each.kind in ("earlier", "later") else f"{was} -> {now_is}"
    before, after = local(each.was_at, zone) or "never", local(each.is_at, zone) or "never"
    return [
        shown(f"{each.journey}: {people}: {what}")[0],
        shown(f"  for example {each.example}: {before} -> {after}")[0],
    ]
