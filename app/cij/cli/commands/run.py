"""`cij run`: runs the journeys against real data and real channels."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from cij.app.idle_run import IdleRun, find_idle
from cij.app.status_file import write_status
from cij.app.zone_times import local
from cij.cli.arguments import INTERVAL_S
from cij.cli.exits import Exit
from cij.cli.export_text import line_of
from cij.cli.failures import say_waiting
from cij.cli.report_tables import print_report
from cij.cli.run_log import Kind, begin, log_option, say
from cij.cli.stopping import Stopping
from cij.cli.taking_over import Turns
from cij.runtime.clock import LiveClock
from cij.runtime.errors import ConfigError
from cij.runtime.report_data import Report, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    # Loaded at run time only where something may be due, because an idle run needs no engine.
    from contextlib import AbstractContextManager

    from cij.app.running import Run
    from cij.app.writer_turn import Turn
    from cij.runtime.delivery import DrainReport, Failure, Recovery
    from cij.runtime.runner import StepReport
    from cij.runtime.wakeable_stop import WakeableStop
    from cij.service.serving import Service


class Orders(NamedTuple):
    """Work that a run does once, before its first step."""

    resend: bool
    again: bool
    accepts: bool
    set_clock: bool


http_option = click.option(
    "--http", metavar="HOST:PORT", help="Also offer the HTTP API at this address: 127.0.0.1:8080."
)
standby_option = click.option(
    "--standby",
    is_flag=True,
    help="Wait while another run writes to the store on a server, and take over when that run has ended.",
)
_NO_ORDERS = Orders(False, False, False, False)


@click.command(
    epilog="""\b
Examples:
  cij run examples/loyalty --once     refresh, move everybody who is due, deliver, stop
  cij run                             go on until Ctrl-C
  cij run --once --json | jq .messages
  cij run --http 127.0.0.1:8080 --log json
  cij run --standby                   a second machine: take over when the first run has ended
  cij run --once --resend-uncertain   after a broken run, if a second copy does no harm"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Do what is due now, and stop.")
@click.option("--json", "as_json_", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--poll",
    default=2.0,
    type=INTERVAL_S,
    show_default=True,
    help="Seconds between refreshes of the sources.",
)
@click.option(
    "--resend-uncertain",
    "resend",
    is_flag=True,
    help="Send messages again whose delivery is unknown. A customer may get a second copy.",
)
@click.option(
    "--resend-failed",
    "again",
    is_flag=True,
    help="Send messages again that a provider refused. Use it after the cause is mended.",
)
@click.option(
    "--accept-state",
    "accepts",
    is_flag=True,
    help="Go on, although the state is older than what was sent or belongs to another project.",
)
@click.option(
    "--set-clock",
    is_flag=True,
    help="Trust the clock of this machine, and correct the dates that a run with a wrong clock set too late.",
)
@http_option
@standby_option
@log_option
def command(
    path: Path,
    once: bool,
    as_json_: bool,
    poll: float,
    http: str | None,
    standby: bool,
    log_kind: Kind,
    **orders: bool,
) -> None:
    """Run the journeys of the project at PATH.

    Loads and unifies the data, moves everybody who is due, and delivers their messages by the
    channels of cij.toml. The next run goes on where this one ended and sends nothing twice. With
    `--http` it also takes events and questions, as `cij serve` does.
    """
    if once and http is not None:
        raise click.UsageError("`--http` needs a run that goes on, so leave out `--once`")
    if once and standby:
        raise click.UsageError("`--standby` needs a run that goes on, so leave out `--once`")
    is_plain = once and not any(orders.values())
    if is_plain and (idle := find_idle(path, LiveClock().now())) is not None:
        _print_idle(idle, as_json_)
    else:
        begin(log_kind)
        take_turns(path, once, as_json_, poll, Orders(**orders), http, standby)


def _print_idle(found: IdleRun, as_json_: bool) -> None:
    write_status(found.root, found.report)
    _say_idle(found.next_at, found.zone)
    _print(found.report, found.zone, as_json_)


def take_turns(
    path: Path,
    once: bool,
    as_json_: bool,
    poll: float,
    orders: Orders,
    http: str | None,
    standby: bool,
) -> None:
    """Run a project, and go on after a lost connection to the store; with `standby` wait for a turn first."""
    turns, left = Turns(path, is_standby=standby, is_once=once), [orders]
    while turns.wait():
        with turns.taken() as turn:
            run_project(path, once, as_json_, poll, left, http, turn)
            return


def run_project(
    path: Path,
    once: bool,
    as_json_: bool,
    poll: float,
    left: "list[Orders]",
    http: str | None,
    turn: "Turn | None",
) -> None:
    """Run a project once, or until it is stopped; with `http` behind an HTTP service.

    The orders in `left` are taken out when they are done. `turn` has the store, where it was waited for.
    """
    from cij.app.running import open_run
    from cij.runtime.migrate import told

    orders = left[-1] if left else _NO_ORDERS
    on_accept = _say_accepted if orders.accepts else None
    clock = orders.set_clock
    with open_run(path, say_waiting, accepts=on_accept, sets_clock=clock, turn=turn) as run:
        _say_recovery(run.recovery)
        for change in run.runner.world.changes:
            say(told(change))
        if orders.resend:
            say(f"{run.release_uncertain()} messages go out again")
        if orders.again:
            say(f"{run.release_failed()} refused messages go out again")
        left.clear()
        made, stopping = None, Stopping()
        with stopping:
            if once:
                run.stop_by(stopping.stopped)
                made = _once(run)
            else:
                _until_stopped(run, poll, stopping, http)
        found = run.report()
        _print(found, run.zone, as_json_)
    if once and stopping.number is not None:
        raise click.exceptions.Exit(128 + stopping.number)
    if made is not None and (code := _exit_of(made, found)):
        raise click.exceptions.Exit(code)


def begin_service(
    run: "Run", http: str, stopped: "WakeableStop"
) -> "AbstractContextManager[Service]":
    """Open the service of a run; an empty `http` is the address in cij.toml. Raises: ConfigError."""
    try:
        from cij.service.serving import serving
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "prometheus_client"):
            raise
        text = "the HTTP service needs more packages: pip install 'cij[service]'"
        raise ConfigError(text) from error
    return serving(run, http or None, stopped)


def _say_accepted(sent: int) -> None:
    say(
        f"this state is the current one from now on; {sent} messages that a newer one had sent are "
        "kept as `uncertain` when they come up again"
    )


def _once(run: "Run") -> "StepReport":
    made = run.once()
    for reason in made.refresh.failed.values() if made.refresh else ():
        say(f"cij: error: {reason}")
    if not _say_step(made):
        _say_idle(run.next_at(), run.zone)
    _say_problems(made, {})
    return made


def _exit_of(made: "StepReport", found: Report) -> Exit:
    """Return the exit code of a run that has ended, by the most important problem in it."""
    if made.refresh is not None and made.refresh.failed:
        return Exit.DATA
    if made.delivery.is_troubled:
        return Exit.DELIVERY
    return Exit.ASIDE if made.is_anything_aside or found.failed else Exit.OK


def _say_idle(next_at: datetime | None, zone: str) -> None:
    """Print that nothing was due, and when something will be, as far as time alone decides."""
    if next_at is None:
        text = "nothing was due, and nothing will be until an event or new data arrives"
    else:
        at = max(next_at, LiveClock().now())
        text = f"nothing was due; the next thing is at {local(at, zone)} ({zone})"
    say(text)


def _until_stopped(run: "Run", poll_s: float, stopping: Stopping, http: str | None) -> None:
    printed: dict[str, str] = {}

    def after_step(made: "StepReport", now: datetime) -> None:
        _say_step(made)
        _say_problems(made, printed)

    if http is None:
        say(f"running {run.project.root}; Ctrl-C stops")
        run.until_stopped(stopping.stopped, poll_s, after_step)
    else:
        with begin_service(run, http, stopping.stopped) as service:
            say(f"serving {run.project.root} at {service.url}; Ctrl-C stops")

            def after_both(made: "StepReport", now: datetime) -> None:
                after_step(made, now)
                service.after_step(made, now)

            run.until_stopped(stopping.stopped, poll_s, after_both, service.between)
    say("stopped")


def _print(found: Report, zone: str, as_json_: bool) -> None:
    _say_uncertain(found)
    if as_json_:
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        print_report(found, zone)


def _say_uncertain(found: Report) -> None:
    """Print the number of uncertain messages.

    Every run prints it until somebody decides about them, because one message may be overlooked.
    """
    count = sum(m.count for m in found.messages if m.outcome == "uncertain")
    if count:
        say(
            f"{count} messages may have been sent when a run broke off; they are kept as "
            "`uncertain` and not sent again, unless you give `--resend-uncertain`"
        )


def _say_recovery(recovery: "Recovery") -> None:
    if recovery.requeued:
        say(f"{recovery.requeued} messages of a run that broke off go out again")


def _say_step(made: "StepReport") -> bool:
    """Print what a step did, and return whether it did anything."""
    lines = made.refresh.lines() if made.refresh is not None else []
    if made.aged:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in made.aged.items())
        lines = [f"older than [retention] keeps them, and deleted: {kinds}", *lines]
    for line in lines:
        say(line)
    aside = Counter((str(r.row.get("event") or "event"), r.reason) for r in made.refused)
    for (event, reason), count in aside.items():
        times = f" {count} times" if count > 1 else ""
        say(f"cij: {event} was put aside{times}: {reason}")
    delivered = made.delivery.counts.get("delivered", 0)
    for text in filter(None, map(line_of, made.exports)):
        say(text)
    if made.entered or made.moves or delivered:
        moves = f"{made.moves} move{'' if made.moves == 1 else 's'}"
        say(f"{made.entered} entered, {moves}, {delivered} delivered")
    return bool(
        lines
        or made.refused
        or made.events
        or made.entered
        or made.moves
        or made.delivery.counts
        or made.exports
    )


def _say_problems(made: "StepReport", printed: dict[str, str]) -> None:
    """Print the problems of a step.

    `printed` has the problems of channels at the step before, which are not printed again: a
    channel that is down fails at each step.
    """
    if made.clock_fault is not None and printed.get("clock") is None:
        say(f"cij: error: {made.clock_fault}")
    told = dict(_of_delivery(made.delivery))
    for what, text in told.items():
        if printed.get(what) != text:
            say(f"cij: {text}")
    for run in made.exports:
        if run.reason is not None:
            say(f"cij: error: export {run.export}: {run.reason}")
    printed.clear()
    printed.update(told)
    if made.clock_fault is not None:
        printed["clock"] = made.clock_fault
    for line in _failure_lines(made.delivery.failures):
        say(line)


def _of_delivery(found: "DrainReport") -> "Iterator[tuple[str, str]]":
    """Yield what is to say of channels and actions that wait, with a name for each."""
    for channel, reason in found.channel_errors.items():
        yield channel, f"{channel} is down, its messages wait: {reason}"
    for ways, reason in found.diverted.items():
        down, to = ways.split(", ")
        yield ways, f"{down} is down, its messages go by {to}: {reason}"
    for name, rates in found.held.items():
        yield f"rates of {name}", f"{name}: a rate holds messages back until later: {rates}"
    for action, reason in found.receiver_errors.items():
        yield action, f"{action} waits: {reason}"


def _failure_lines(failures: "Sequence[Failure]") -> "Iterator[str]":
    """Yield one line for equal failures, with the customer of the first and their number."""
    alike: dict[tuple[str, str, str], list[Failure]] = {}
    for one in failures:
        alike.setdefault((one.message, one.outcome, one.reason), []).append(one)
    for (message, outcome, reason), found in alike.items():
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield f"cij: {message} to {found[0].customer}{more} {outcome}: {reason}"
