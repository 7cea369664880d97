"""The values to draw from: constants of conditions and their neighbours, events, periods.

Mistakes are most likely at the boundary of a comparison, so random values would rarely find them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeGuard

from cij.compiler import expression as ex, program as pg
from cij.compiler.types import Type, list_items, list_text
from cij.compiler.walk import walk
from cij.runtime.zones import is_zone

# Zones with changes of the clock, with an offset of half an hour, at the date line, and one that
# does not exist.
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "nowhere")

Constants = tuple[ex.Constant, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that a journey waits for or counts.

    `of` are the steps whose messages it can refer to.
    """

    event: pg.Event
    of: tuple[str, ...]


@dataclass(slots=True)
class Vocabulary:
    """The values of a program to draw from.

    `fields` and `event_fields` have the choices by name.
    """

    program: pg.Program
    fields: dict[str, Constants] = field(default_factory=dict)
    event_fields: dict[tuple[str, str], Constants] = field(default_factory=dict)
    happenings: tuple[Happening, ...] = ()
    periods: tuple[ex.Period, ...] = ()


def vocabulary(program: pg.Program) -> Vocabulary:
    """Return the vocabulary of a program."""
    nodes = [p for x in _ruled(program) for p in walk(x)]
    compared = list(_compared(nodes))
    found = Vocabulary(program)
    for own in program.profile.fields:
        constants = [c for n, c in compared if isinstance(n, ex.Field) and n.name == own.name]
        found.fields[own.name] = _role(own.name, program) or _choices(own.type, constants)
    for event in program.events:
        for inner in event.fields:
            constants = [c for n, c in compared if _is_of(n, event.name, inner.name)]
            found.event_fields[event.name, inner.name] = _choices(inner.type, constants)
    found.happenings = tuple(_happenings(program, nodes))
    found.periods = tuple(dict.fromkeys(n for n in nodes if isinstance(n, ex.Period)))
    return found


def _ruled(program: pg.Program) -> tuple[pg.BaseNode, ...]:
    return (*program.segments, *program.measures, *program.policies, *program.journeys)


def _is_of(node: ex.Expression, event: str, name: str) -> bool:
    match node:
        case ex.EventField():
            return (node.event, node.name) == (event, name)
        case ex.TriggerField():
            return event in node.events and node.name == name
    return False


def _compared(nodes: Iterable[object]) -> Iterator[tuple[ex.Expression, ex.Constant]]:
    for node in nodes:
        match node:
            case ex.Compare(left=left, right=ex.Constant() as right):
                yield left, right
            case ex.Compare(left=ex.Constant() as left, right=right):
                yield right, left
            case ex.InSet(value=value, items=items):
                yield from ((value, i) for i in items if isinstance(i, ex.Constant))


def _happenings(program: pg.Program, nodes: Sequence[object]) -> Iterator[Happening]:
    of: dict[str, dict[str, None]] = {}
    for node in nodes:
        match node:
            case pg.Await(event=event, of=step):
                of.setdefault(event, {}).update({step: None} if step else {})
            case pg.EventEntry(event=event) | ex.Aggregate(event=event):
                of.setdefault(event, {})
            case pg.Exit(event=str() as event) | pg.Goal(event=str() as event):
                of.setdefault(event, {})
    steps = dict.fromkeys(s.step for s in nodes if _is_send(s))
    # The runtime itself reacts to these, also where no journey names them.
    of |= {"unsubscribed": {}, "bounced": steps, "complained": steps}
    for known in program.events:
        if known.name in of:
            yield Happening(known, tuple(of[known.name]))


def _is_send(node: object) -> TypeGuard[pg.ActState]:
    return isinstance(node, pg.ActState) and isinstance(node.effect, pg.SendEffect)


# --- values -----------------------------------------------------------------------------------


def _role(name: str, program: pg.Program) -> Constants:
    """Return the values of a field that the runtime itself reads; none for other fields."""
    text = Type(kind="text")
    if name == "timezone":
        return tuple(ex.Constant(type=text, value=z) for z in ZONES if is_zone(z) or z == "nowhere")
    if name == "language":
        locales = dict.fromkeys(c.locale for m in program.messages for c in m.locales)
        return tuple(ex.Constant(type=text, value=v) for v in (*locales, "xx"))
    return ()


def _choices(type: Type, constants: list[ex.Constant]) -> Constants:
    """Return values of a type: those of conditions, their neighbours, and some others."""
    raw: list[object] = []
    for constant in constants:
        raw += _around(type, constant)
    raw += _others(type)
    return tuple(ex.Constant(type=type, value=_kept(v)) for v in dict.fromkeys(raw))


def _around(type: Type, constant: ex.Constant) -> list[object]:
    value = constant.value
    match type.kind:
        case "integer":
            number = int(Decimal(str(value)))
            return [number - 1, number, number + 1]
        case "decimal" | "money" | "percent":
            exact, step = Decimal(str(value)), Decimal("0.01")
            return [exact - step, exact, exact + step]
        case "date":
            day = date.fromisoformat(str(value)[:10])
            return [day - timedelta(days=1), day, day + timedelta(days=1)]
        case "datetime":
            at = datetime.fromisoformat(str(value))
            return [at - timedelta(minutes=1), at, at + timedelta(minutes=1)]
        case "list":
            return [list_text([item]) for item in (list_items(str(value)) or [str(value)])]
    return [value]


def _others(type: Type) -> list[object]:
    match type.kind:
        case "text" if type.values is not None:
            return list(type.values)
        case "text":
            return ["other"]
        case "boolean":
            return [True, False]
        case "integer":
            return [0, 1]
        case "decimal" | "money":
            return [Decimal(0), Decimal("19.99")]
        case "date":
            return [date(2026, 4, 1)]
        case "datetime":
            return [datetime(2026, 4, 1, 9)]
    return []


def _kept(value: object) -> bool | int | str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, (bool, int, str)):
        return value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
