"""Traces by the engine: several scenarios in one program and one store, in virtual time."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from operator import gt
from random import Random
from typing import Any

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import ActState, DoEffect, Program, SendEffect
from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of
from cij.runtime import control, zones
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.refresh import take_in
from cij.runtime.segments import data_changed
from cij.runtime.simulate import deliver, run_to, run_while
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.agreement.drawing_customers import DONE
from tests.agreement.scenario import Arrival, Change, Customer, Scenario
from tests.agreement.tick_times import Spacing, tick_times
from tests.ways import DEFAULT, Way

_MESSAGES = query(
    "SELECT o.key, o.customer, o.channel = 'action' FROM outbox AS o JOIN passage AS p ON p.id = o.passage "
    "WHERE o.outcome IN ('queued', 'delivered') AND o.created_at < $now "
    "ORDER BY o.created_at, o.journey, o.step, o.passage"
)
_PASSAGES = query(
    "SELECT p.id, p.journey, p.customer, p.entered_at, p.entered_from, p.entry_key, "
    "p.is_held_out, p.ended_at, p.outcome, p.cause, p.wake_at FROM passage AS p ORDER BY p.id"
)
_VISITS = query("SELECT h.passage, h.at, h.state, h.why FROM history AS h ORDER BY h.passage, h.at")
_OUTBOX = query(
    "SELECT o.passage, o.created_at, o.step, o.outcome, o.reason, o.locale, "
    "o.parameters FROM outbox AS o "
    "ORDER BY o.passage, o.created_at"
)
_CONVERSIONS = query(
    "SELECT v.passage, v.goal, v.at FROM conversion AS v ORDER BY v.passage, v.goal"
)
_OF_THESE = "FROM customer WHERE customer.id IN (SELECT r.item FROM {ids} AS r)"
_STORED, _FORGET = (
    query(f"{verb} {_OF_THESE}", ids=list_of("ids")) for verb in ("SELECT *", "DELETE")
)
# The engine's reasons for these steps; the interpreter writes none.
_WITHOUT_REASON = ("joined", "else", "quiet hours", "a cap")
Lines = dict[str, list[str]]


def compiled(scenarios: Sequence[Scenario]) -> tuple[Program | None, set[int]]:
    """Compile scenarios into one program. Return it, or the seeds that the compiler refuses."""
    settings = ProjectSettings("agreement", scenarios[0].zone, "en")
    texts = {f"{t.seed}.journey": t.text for t in scenarios}
    found = compile_project(settings, {"head.journey": scenarios[0].head, **texts}, {}, {})
    wrong = {d.span.file for d in found.diagnostics if d.is_error}
    return found.program, {t.seed for t in scenarios if f"{t.seed}.journey" in wrong}


@dataclass
class _Run:
    scenarios: Sequence[Scenario]
    world: World
    clock: SimulatedClock

    @property
    def customers(self) -> Iterator[Customer]:
        return (c for t in self.scenarios for c in t.customers)


def traces(
    program: Program, scenarios: Sequence[Scenario], spacing: Spacing, way: Way = DEFAULT
) -> Lines:
    """Return the trace of every customer, by the engine, which moves people in one way."""
    engine = way.engine(is_tiny=False)
    start, end = scenarios[0].start, scenarios[0].end
    world = deploy(engine, program, start, way.mover())
    run = _Run(scenarios, world, SimulatedClock(start))
    _bring(run, [_whole(c) for c in run.customers if c.comes is None])
    if spacing.late is not None:
        _run_late(run, spacing)
        found = dict(_lines(run, is_late=True))
        engine.close()
        return found
    parting = {at for scenario in scenarios for at in scenario.parting}
    for at in sorted({*_instants(run, spacing), *parting}):
        run_while(run.world, run.clock, partial(gt, at), lambda _: None)
        run.clock.advance_to(at)
        _order(run, at)
        _hand_in(run, at, spacing)
        if spacing.extra or at in parting:
            tick(run.world, at)
            deliver(run.world, at)
    run_to(run.world, run.clock, end, lambda _: None)
    found = dict(_lines(run, is_late=False))
    engine.close()
    return found


def _run_late(run: _Run, spacing: Spacing) -> None:
    ticks = set(tick_times(run.scenarios, spacing) or ())
    for at in sorted({*_instants(run, spacing), *ticks}):
        run.clock.advance_to(at)
        _order(run, at)
        _hand_in(run, at, spacing)
        if at in ticks:
            tick(run.world, at)
            deliver(run.world, at)


def _instants(run: _Run, spacing: Spacing) -> list[datetime]:
    start, end = run.scenarios[0].start, run.scenarios[0].end
    found = {start} | {c.at for customer in run.customers for c in customer.changes}
    found |= {customer.comes for customer in run.customers if customer.comes}
    found |= {order.at for scenario in run.scenarios for order in scenario.orders}
    for customer in run.customers:
        found |= {_handed_in_at(h, customer.comes or start, spacing) for h in customer.arrivals}
    random = Random(spacing.extra)
    for _ in range(spacing.extra):
        found.add(start + timedelta(seconds=random.randrange(int((end - start).total_seconds()))))
    return sorted(found)


def _order(run: _Run, at: datetime) -> None:
    """Give the orders of this instant, after the messages queued before it are delivered."""
    orders = [order for scenario in run.scenarios for order in scenario.orders if order.at == at]
    if orders:
        deliver(run.world, at)
    for order in orders:
        said = {"control": order.word, "journey": order.journey}
        control.apply(run.world.engine, said, at)


def _handed_in_at(arrival: Arrival, start: datetime, spacing: Spacing) -> datetime:
    """Return when an event is handed in. Late events and those about a message cannot be early."""
    may = arrival.about is None and arrival.arrives <= arrival.at
    return start if spacing.is_early and may else arrival.arrives


# --- customers and events ---------------------------------------------------------------------


_Values = tuple[str, dict[str, object]]


def _whole(customer: Customer) -> _Values:
    return customer.id, {**customer.fields, **_columns(customer.consents)}


def _new_values(customer: Customer, change: Change) -> _Values:
    return customer.id, {**change.fields, **_columns(change.consents)}


def _bring(run: _Run, new: Sequence[_Values]) -> None:
    """Store new values of customers. Their other values stay, also those that a journey has set."""
    engine = run.world.engine
    names = list(engine.columns_of("customer"))
    ids = {"ids": json.dumps([id for id, _ in new])}
    rows = {
        row[names.index("id")]: dict(zip(names, row, strict=True))
        for row in engine.rows(_STORED, ids)
    }
    for id, values in new:
        rows.setdefault(id, {"id": id}).update(_cells(run, values))
    engine.execute(_FORGET, ids)
    engine.append("customer", {n: [row.get(n) for row in rows.values()] for n in names})


def _cells(run: _Run, values: dict[str, object]) -> dict[str, object]:
    row = {name: _cell(value) for name, value in values.items()}
    return row | ({"zone": _zone(run, row["timezone"])} if "timezone" in row else {})


def _zone(run: _Run, name: object) -> str:
    zone = name if isinstance(name, str) and zones.is_zone(name) else run.scenarios[0].zone
    zones.ensure(run.world.engine, [zone])
    return zone


def _hand_in(run: _Run, at: datetime, spacing: Spacing) -> None:
    start = run.scenarios[0].start
    rows: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    new = [_whole(c) for c in run.customers if c.comes == at]
    new += [_new_values(c, x) for c in run.customers for x in c.changes if x.at == at]
    if new:
        _bring(run, new)
        data_changed(run.world)
    for customer in run.customers:
        for h in customer.arrivals:
            if _handed_in_at(h, customer.comes or start, spacing) == at:
                rows.append(((h.at, h.seq), _row(customer, h)))
    if rows:
        _refer(run, at, [row for _, row in rows])
        shown = [row for _, row in sorted(rows, key=lambda r: r[0])]
        for row in shown:
            del row["about"]
        taken = take_in(run.world.engine, run.world.program, shown, at)
        assert not taken.refused and not taken.known, taken.refused


def _columns(consents: Mapping[tuple[str, str], bool]) -> dict[str, object]:
    return {f"consent.{topic}.{channel}": granted for (topic, channel), granted in consents.items()}


def _row(customer: Customer, h: Arrival) -> dict[str, Any]:
    fields = {name: _cell(value) for name, value in h.fields.items()}
    row = {"event": h.name, "customer": customer.id, "at": h.at, "about": h.about}
    if h.about is not None:
        row |= {"channel": fields.pop("channel")} if "channel" in fields else {}
    # The store orders the events of one instant by id.
    return {**row, "id": f"{h.seq:03} {customer.id}", "fields": fields}


def _refer(run: _Run, now: datetime, rows: list[dict[str, Any]]) -> None:
    """Set the message (or call) that each interaction is about, among those sent so far."""
    if all(row["about"] is None for row in rows):
        return
    keys: dict[tuple[str, bool], list[str]] = {}
    for key, customer, is_call in run.world.engine.rows(_MESSAGES, {"now": now}):
        keys.setdefault((customer, is_call), []).append(key)
    for row in rows:
        mine = keys.get((row["customer"], row["event"] == DONE), [])
        if row["about"] is not None and mine:
            row["message_key"] = mine[row["about"] % len(mine)]


def _cell(value: object) -> object:
    if isinstance(value, Fraction):
        return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return value


# --- lines ------------------------------------------------------------------------------------


def _lines(run: _Run, *, is_late: bool) -> Iterator[tuple[str, list[str]]]:
    engine = run.world.engine
    tables = [engine.rows(t) for t in (_VISITS, _OUTBOX, _CONVERSIONS)]
    visits, outbox, conversions = (_by_passage(rows) for rows in tables)
    found: dict[str, list[tuple[str, int, list[str]]]] = {c.id: [] for c in run.customers}
    given = _given(run)
    for id, journey, customer, *rest in engine.rows(_PASSAGES):
        number = sum(1 for j, _, _ in found[customer] if j == journey) + 1
        head = f"{journey}/{number}"
        lines = [*_passage(head, rest)[:1]]
        for at, state, why in visits.get(id, []):
            lines.append(f"{head} {'' if is_late else at} {state} ({_why(why)})")
        for at, step, outcome, reason, locale, parameters in outbox.get(id, []):
            shown = {k: v for k, v in json.loads(parameters).items() if k in given[journey, step]}
            # A message that an extra tick queued may not be delivered yet.
            said = "delivered" if outcome == "queued" else outcome
            why = f" ({_reason(reason)})" if reason else ""
            lines.append(f"{head} {at} message {step} {said}{why} {locale} {shown}")
        lines += [f"{head} goal {goal} {at}" for goal, at in conversions.get(id, [])]
        lines += _passage(head, rest)[1:]
        found[customer].append((journey, number, lines))
    for name, passages in found.items():
        yield name, [line for *_, lines in sorted(passages) for line in lines]


def _by_passage(rows: Sequence[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for id, *rest in rows:
        found.setdefault(id, []).append(tuple(rest))
    return found


def _given(run: _Run) -> dict[tuple[str, str], set[str]]:
    return {
        (j.name, s.step): set(s.effect.parameters)
        for j in run.world.program.journeys
        for s in j.states
        if isinstance(s, ActState) and isinstance(s.effect, (SendEffect, DoEffect))
    }


def _reason(reason: str) -> str:
    """Leave out the wording of a condition: other tests check it."""
    return re.sub(r"^never sent when .* (?=\(policy)", "never ", reason)


def _why(why: str) -> str:
    """Leave out reasons that the neighbouring steps show already."""
    is_left_out = why in _WITHOUT_REASON or why.startswith("branch ")
    return "" if is_left_out else why


def _passage(head: str, row: list[Any]) -> list[str]:
    entered_at, entered_from, key, is_held_out, ended_at, outcome, cause, wake_at = row
    held = " held out" if is_held_out else ""
    first = f"{head} entered {entered_at} from {entered_from} key {key!r}{held}"
    if ended_at is None:
        return [first, f"{head} waits until {wake_at}"]
    return [first, f"{head} ended {ended_at} as {outcome} by {cause}"]
