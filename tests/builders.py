"""Short ways to write parts of a program by hand.

    program([source("shop", points="integer")], [mapping("shop", "email")], [exact("email")])

A type is written as its name: "text", "integer", "money"; "text!" must be known.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from cij.compiler import expression as ex, program as pr
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.sql import query
from cij.compiler.types import NAMED, TEXT, Type, money
from cij.runtime.engine import Engine

PLACE = pr.Place(file="shop.journey", line=3, column=1)
REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"


def type_of(name: str) -> Type:
    """Return the type of a name; money is in EUR."""
    name = name.rstrip("!")
    return money("EUR") if name == "money" else NAMED[name]


# --- data -------------------------------------------------------------------------------------


def source(
    name: str,
    columns: dict[str, str] | None = None,
    *,
    key: str = "id",
    kind: Any = "csv",
    timezone: str = "UTC",
    tolerate: str = "0.01",
    where: ex.Expression | None = None,
    **settings: str,
) -> pr.Source:
    """Return a source of `<name>.csv`. The key is text unless `columns` say otherwise."""
    types = {key: "text", **(columns or {})}
    return pr.Source(
        name=name,
        kind=kind,
        settings={"path": f"{name}.csv", **settings},
        key=key,
        columns=tuple(
            pr.SourceColumn(name=c, type=type_of(t), is_nullable=not t.endswith("!"))
            for c, t in types.items()
        ),
        where=where,
        tolerate=tolerate,
        timezone=timezone,
        place=PLACE,
    )


def column(of: str, name: str, type: str = "text") -> ex.Column:
    return ex.Column(source=of, name=name, type=type_of(type), is_nullable=True)


def text(value: str) -> ex.Constant:
    return ex.Constant(value=value, type=TEXT)


def equals(left: ex.Expression, right: ex.Expression) -> ex.Compare:
    return ex.Compare(operator="=", left=left, right=right)


def call(function: str, argument: ex.Expression) -> ex.Call:
    return ex.Call(function=function, arguments=(argument,), type=TEXT, is_nullable=True)


def mapping(
    of: str, *same: str, consents: Sequence[pr.ConsentMapping] = (), **fields: ex.Expression
) -> pr.Mapping:
    """Return a mapping of text columns under their own names, and of expressions."""
    columns = {name: column(of, name) for name in same}
    return pr.Mapping(
        source=of, fields={**columns, **fields}, consents=tuple(consents), place=PLACE
    )


def consent(topic: str, value: ex.Expression, channel: str | None = None) -> pr.ConsentMapping:
    return pr.ConsentMapping(topic=topic, channel=channel, value=value)


def exact(*fields: str) -> pr.ExactMatch:
    return pr.ExactMatch(name="by_" + "_".join(fields), fields=fields)


def profile_field(name: str, type: str = "text", *, prefer: Sequence[str] = ()) -> pr.ProfileField:
    return pr.ProfileField(name=name, type=type_of(type), merge=pr.Prefer(sources=tuple(prefer)))


def event(
    name: str,
    of: str | None = None,
    fields: dict[str, str] | None = None,
    *,
    customer: tuple[str, str] | None = None,
    at: ex.Expression | None = None,
    is_interaction: bool = False,
) -> pr.Event:
    """Return an event; from a source `of` it reads columns of the same names as its fields."""
    return pr.Event(
        name=name,
        source=of,
        customer=pr.CustomerReference(source=customer[0], column=customer[1]) if customer else None,
        at=at or (column(of, "at", "datetime") if of else None),
        fields=tuple(
            pr.EventFieldDefinition(name=f, type=type_of(t), value=column(of, f, t) if of else None)
            for f, t in (fields or {}).items()
        ),
        is_interaction=is_interaction,
        place=PLACE,
    )


def topic(name: str, *channels: str, consent: Any = "opt_in") -> pr.Topic:
    return pr.Topic(
        name=name, purpose="test", channels=channels or ("email",), consent=consent, place=PLACE
    )


def program(
    sources: Iterable[pr.Source] = (),
    mappings: Iterable[pr.Mapping] = (),
    matches: Iterable[pr.ExactMatch] = (),
    *,
    fields: Iterable[pr.ProfileField] | None = None,
    events: Iterable[pr.Event] = (),
    topics: Iterable[pr.Topic] = (),
    timezone: str = "UTC",
    **parts: Any,
) -> pr.Program:
    """Return a program. Without `fields` all that is mapped is a text field, first source first."""
    mappings = tuple(mappings)
    if fields is None:
        names = dict.fromkeys(name for m in mappings for name in m.fields)
        fields = [profile_field(name, prefer=[m.source for m in mappings]) for name in names]
    given: dict[str, Any] = {name: () for name in ("measures", "segments", "messages", "journeys")}
    return pr.Program(
        project="test",
        timezone=timezone,
        sources=tuple(sources),
        profile=pr.Profile(
            name="customer",
            fields=tuple(fields),
            mappings=mappings,
            matches=tuple(matches),
            place=PLACE,
        ),
        events=tuple(events),
        topics=tuple(topics),
        **{**given, **parts},
    )


def compiled(text: str) -> pr.Program:
    """Return the program of a text, where that reads better than parts by hand."""
    settings = ProjectSettings("test", "UTC", "en")
    found = compile_project(settings, {"shop.journey": text}, {}, {})
    assert found.program is not None, found.diagnostics
    return found.program


# --- files ------------------------------------------------------------------------------------


def write_csv(folder: Path, name: str, *lines: str) -> Path:
    """Write `<name>.csv`, one line each."""
    path = folder / f"{name}.csv"
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    return path


# `rewrite` moves the time of a file on by this, for two writes may fall into one tick of the clock.
_TICKS = count(1)


def rewrite(folder: Path, name: str, *lines: str) -> None:
    """Write a file so that it surely looks changed."""
    path = write_csv(folder, name, *lines)
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + next(_TICKS)))


def rows(engine: Engine, text: str) -> list[tuple[Any, ...]]:
    return engine.rows(query(text))
