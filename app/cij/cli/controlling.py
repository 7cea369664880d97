"""Orders from the command line: pausing, resuming, stopping, the suppression list.

If nobody has the state file it is done at once. If `cij run` has it, the order goes to its inbox,
and the answer is waited for.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cij.app.compile import compile_path
from cij.app.open_store import open_store, store_path
from cij.app.project import Project
from cij.cli.arguments import PATIENCE_S
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Program
from cij.runtime import control, suppression
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import prepare
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError, StoreLocked
from cij.runtime.inbox import answer, hand_in, take_orders
from cij.runtime.insight.person import deployed

_LOOK_AGAIN_S = 0.1
HANDED_IN = "handed in"

Options = dict[str, Any]
Ask = Callable[[int | None], None]


def give(path: Path, journey: str, order: Options, wait_s: float, ask: Ask) -> dict[str, Any]:
    """Carry out an order about a journey and return what it did, as plain values.

    `ask` is called before, with the number of people inside where that can be known. Raises:
    ConfigError when nothing has run yet; click.UsageError for a journey that there is not, or
    that cannot be ordered so.
    """
    project, program = _opened(path)
    message = {"journey": journey, **order}
    try:
        engine = open_store(project)
    except StoreLocked:
        if program is not None:
            _require(journey, [j.name for j in program.journeys])
        ask(None)
        return _checked(_by_inbox(project, message, wait_s) or _handed_in(message))
    try:
        _prepare(engine, program)
        # Orders that nobody was there to carry out come first.
        take_orders(engine, project.root, LiveClock().now())
        return _checked(_at_once(engine, message, ask))
    finally:
        engine.close()


def _opened(path: Path) -> tuple[Project, Program | None]:
    """Return the project and its program; None where a file has a mistake, which keeps nobody from
    stopping what runs.
    """
    result = compile_path(path)
    if not store_path(result.project).is_file():
        raise ConfigError("nothing has run here yet; start with `cij run`")
    count = sum(d.is_error for d in result.diagnostics)
    if not count:
        return result.project, result.compilation.program
    told = f"The project has {count} error{'s' if count > 1 else ''}; see `cij check`."
    click.echo(f"{told} What ran last counts.", err=True)
    return result.project, None


def _prepare(engine: Engine, program: Program | None) -> None:
    known = program or deployed(engine)
    if known is None:
        raise ConfigError("nothing has run here yet; start with `cij run`")
    prepare(engine, known)


def _at_once(engine: Engine, message: Options, ask: Ask) -> dict[str, Any]:
    _require(message["journey"], control.known_journeys(engine))
    ask(control.inside(engine, message["journey"]))
    return control.as_json(control.apply(engine, message, LiveClock().now()))


def _require(journey: str, known: list[str]) -> None:
    if journey not in known:
        hint = did_you_mean(journey, known)
        message = f"there is no journey `{journey}` in the state"
        raise click.UsageError(f"{message}; {hint}" if hint else message)


def carry_out(path: Path, order: Options, wait_s: float) -> dict[str, Any]:
    """Carry out an order about the suppression list and return what it did, as plain values.

    Raises: ConfigError when nothing has run yet.
    """
    project, program = _opened(path)
    try:
        engine = open_store(project)
    except StoreLocked:
        return _by_inbox(project, order, wait_s) or {**order, "state": HANDED_IN}
    try:
        _prepare(engine, program)
        take_orders(engine, project.root, LiveClock().now())
        return suppression.as_json(suppression.apply(engine, order, LiveClock().now()))
    finally:
        engine.close()


def _handed_in(message: Options) -> dict[str, Any]:
    return {"journey": message["journey"], "action": message["control"], "state": HANDED_IN}


def _by_inbox(project: Project, message: Options, wait_s: float) -> dict[str, Any] | None:
    """Hand an order in and return the answer, None where there is none in time."""
    file = hand_in(project.root, [message])
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        if (found := answer(project.root, file)) is not None:
            return found
        time.sleep(_LOOK_AGAIN_S)
    return None


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    if found.get("refused"):
        again = f"; `cij resume {found['journey']} --again` starts it anew"
        hint = again if found["state"] == "stopped" else ""
        raise click.UsageError(f"`{found['journey']}`: {found['refused']}{hint}")
    return found


def tell(found: dict[str, Any], as_json: bool, words: Callable[[dict[str, Any]], str]) -> None:
    """Print what an order did, as JSON or as a sentence."""
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif found["state"] == HANDED_IN:
        click.echo(f"handed in: who has the state open will {found['action']} it at the next look")
    else:
        click.echo(words(found))


def people(count: int) -> str:
    """Return `1 person` or `3 people`."""
    return f"{count} person" if count == 1 else f"{count} people"


def messages(count: int) -> str:
    """Return `1 message` or `3 messages`."""
    return f"{count} message" if count == 1 else f"{count} messages"


project_option = click.option("--project", "path", default=".", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
wait_option = click.option(
    "--wait",
    "wait_s",
    default=15.0,
    type=PATIENCE_S,
    show_default=True,
    help="Seconds to wait for the answer of a `cij run` that is going.",
)
