"""Orders: pause, resume and stop a journey, and change the suppression list.

An order is carried out at once if no process has the state file open. If a running `cij run` has
it, its service carries out the order. A run without a service takes the order from its inbox, and the
command waits for the answer.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.compile import compile_path
from cij.app.known_names import require_journey
from cij.app.local_service import ask as ask_service, is_there
from cij.app.open_store import has_store, nothing_yet, open_store
from cij.app.project import Project
from cij.app.request_error import RequestError
from cij.app.store_view import StoreView
from cij.compiler.program import Program
from cij.runtime import control, suppression
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import prepare
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError, StoreLocked
from cij.runtime.inbox import answer, hand_in, take_orders
from cij.runtime.insight.person import deployed

_LOOK_AGAIN_S = 0.1
_IN_STATE = " in the state"
# The state of an order without an answer in time. It will still be carried out.
HANDED_IN = "handed in"

Options = dict[str, Any]
Ask = Callable[[int | None], None]
Say = Callable[[str], None]


def give(
    path: Path, journey: str, order: Options, wait_s: float, say: Say, ask: Ask = lambda count: None
) -> dict[str, Any]:
    """Carry out an order about a journey and return its result, in types that JSON has.

    `ask` is called before, with the number of people inside if it is known; it raises to cancel.
    `say` is called with sentences for the person who gave the order. Raises: ConfigError where
    nothing has run yet; RequestError for an unknown journey, or an order that is not possible in
    its state.
    """
    project, program = _opened(path, say)
    message = {"journey": journey, **order}
    if is_there(project.root):
        # The number of people inside is unknown, because another process has the store.
        ask(None)
        if (found := ask_service(project.root, "order", message)) is not None:
            return _checked(found)
    try:
        engine = open_store(project)
    except StoreLocked:
        if program is not None:
            require_journey(journey, [j.name for j in program.journeys], _IN_STATE)
        # The number of people inside is unknown, because another process has the store.
        ask(None)
        return _checked(_by_inbox(project, message, wait_s) or _handed_in(message))
    try:
        _prepare(engine, program)
        # Earlier orders may still be in the inbox, because no process was running.
        take_orders(engine, project.root, LiveClock().now())
        return _checked(_at_once(engine, message, ask))
    finally:
        engine.close()


def _opened(path: Path, say: Say) -> tuple[Project, Program | None]:
    """Return the project and its program; None for the program where the project has errors.

    Orders must work in such a project too: somebody may have to stop a running journey.
    """
    result = compile_path(path)
    if not has_store(result.project):
        raise nothing_yet(result.project)
    count = sum(d.is_error for d in result.diagnostics)
    if not count:
        return result.project, result.compilation.program
    text = f"The project has {count} error{'s' if count > 1 else ''}; see `cij check`."
    say(f"{text} The program of the last run is used.")
    return result.project, None


def _prepare(engine: Engine, program: Program | None) -> None:
    known = program or deployed(engine)
    if known is None:
        raise ConfigError("nothing has run here yet; start with `cij run`")
    prepare(engine, known)


def order_answer(view: StoreView, order: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Carry out an order about a journey in a running project. Raises: RequestError."""
    require_journey(str(order.get("journey")), control.known_journeys(view.engine), _IN_STATE)
    return control.as_json(control.apply(view.engine, order, now))


def suppression_answer(view: StoreView, order: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Carry out an order about the suppression list in a running project."""
    return suppression.as_json(suppression.apply(view.engine, order, now))


def _at_once(engine: Engine, message: Options, ask: Ask) -> dict[str, Any]:
    require_journey(message["journey"], control.known_journeys(engine), _IN_STATE)
    ask(control.inside(engine, message["journey"]))
    return control.as_json(control.apply(engine, message, LiveClock().now()))


def change_suppression(path: Path, order: Options, wait_s: float, say: Say) -> dict[str, Any]:
    """Carry out an order about the suppression list and return its result, in types that JSON has.

    Raises: ConfigError where nothing has run yet.
    """
    project, program = _opened(path, say)
    found: dict[str, Any] | None = ask_service(project.root, "suppression", order)
    if found is not None:
        return found
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
    """Put an order into the inbox and return the answer; None where there is none in time."""
    file = hand_in(project.root, [message])
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        if (found := answer(project.root, file)) is not None:
            return found
        time.sleep(_LOOK_AGAIN_S)
    return None


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    if found.get("refused"):
        again = f"; `cij resume {found['journey']} --again` starts it again"
        hint = again if found["state"] == "stopped" else ""
        raise RequestError(f"`{found['journey']}`: {found['refused']}{hint}")
    return found
