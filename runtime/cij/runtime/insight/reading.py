"""Conditions evaluated for one customer at one instant: each part, its value, and its origin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cij.compiler import expression as ex
from cij.compiler.program import ConsentMapping, Journey, Latest, Own, Prefer, Program
from cij.compiler.sql import insight
from cij.compiler.sql.interning import number_of
from cij.compiler.types import DATETIME, Type
from cij.compiler.unparse import words
from cij.runtime.engine import Engine, Row
from cij.runtime.insight.display import local, shown, written
from cij.runtime.insight.node import Node
from cij.runtime.moments import fill_moments
from cij.runtime.store import of_customer

# These depend on other passages of the batch, on an event that the question does not name, or on what
# was delivered before the choice: the message that was chosen counts by now, and changes the answer.
_NOT_READABLE = (ex.FirstCome, ex.EventField, ex.Best)


@dataclass(slots=True)
class Reader:
    """Evaluates conditions of one journey for one customer at `now`.

    Fields of customers have their current values, because the store keeps no older ones. Events,
    consents and segments over events are as of `now`.
    """

    engine: Engine
    program: Program
    journey: Journey
    customer: str
    now: datetime
    passage: int | None = None
    event: str | None = None
    seq: int | None = None
    _values: dict[ex.Expression, object] = field(default_factory=dict)

    def read(self, node: ex.Expression) -> Node:
        """Return the tree of a condition, with the value of each part.

        All values come from one query, because each query of a large store takes a scan.
        """
        wanted = [n for n in dict.fromkeys(_wanted(node, self.program)) if self._is_readable(n)]
        if not wanted:
            return self._node(node)
        fill_moments(self.engine, self.now)
        statement = insight.readings(wanted, self.program, self.journey, self.event)
        rows = self.engine.rows(statement, self._named(passage=self.passage, event=self.seq))
        self._values = dict(zip(wanted, rows[0], strict=True)) if rows else {}
        return self._node(node)

    def _is_readable(self, node: ex.Expression) -> bool:
        if isinstance(node, ex.EventField) and self.event is not None:
            return True
        return not isinstance(node, _NOT_READABLE)

    def _named(self, **more: object) -> dict[str, object]:
        return {"customer": self.customer, "now": self.now, **more}

    def _rows(self, statement: object, **more: object) -> list[Row]:
        return self.engine.rows(statement, self._named(**more))  # type: ignore[arg-type]

    # --- rules ---

    def _node(self, node: ex.Expression) -> Node:
        if node.type.kind != "boolean":
            return self._value(node)
        found = self._values.get(node)
        holds = None if found is None else bool(found)
        return Node(words(node), holds, tuple(self._parts(node)))

    def _parts(self, node: ex.Expression) -> Iterator[Node]:
        match node:
            case ex.And(items=items) | ex.Or(items=items):
                yield from (self._node(i) for i in items)
            case ex.Not(item=item):
                # `not x` adds no level of its own, because its text has the `not` already.
                yield from self._parts(item) if _is_plain(item) else [self._node(item)]
            case ex.Member(segment=name):
                yield from self._membership(name, bool(self._values.get(node)))
            case ex.Consent(topic=topic, channel=channel):
                yield from self._consents(topic, channel)
            case _:
                yield from self._origins(node)

    def _membership(self, name: str, is_inside: bool) -> Iterator[Node]:
        for (since,) in self._rows(of_customer.MEMBER_SINCE, segment=number_of(name)):
            text = "in it since" if is_inside else "at the last look still in it, since"
            yield Node(f"{text} {self._local(since)}", source={"since": _iso(since)})
        segment = next(s for s in self.program.segments if s.name == name)
        yield self._node(segment.condition)

    # --- values ---

    def _value(self, node: ex.Expression) -> Node:
        text = shown(self._values.get(node), node.type, self.program.timezone)
        return Node(words(node), None, tuple(self._origins(node)), text)

    def _origins(self, node: ex.Expression) -> Iterator[Node]:
        match node:
            case ex.Field(name=name):
                yield from self._field(name)
            case ex.MeasureValue(measure=name):
                measure = next(m for m in self.program.measures if m.name == name)
                yield from self._value(measure.value).parts
            case ex.Aggregate():
                yield from self._events(node)
            case _:
                yield from (self._node(n) for n in _operands(node))

    def _events(self, node: ex.Aggregate) -> Iterator[Node]:
        statement = insight.counted_rows(node, self.program, self.journey)
        rows = self._rows(statement, passage=self.passage)
        for at, id, value, _ in rows:
            source: dict[str, object] = {"event": node.event, "id": id, "at": _iso(at)}
            text = None
            if node.value is not None:
                text = shown(value, node.value.type, self.program.timezone)
            yield Node(f"{node.event} {id}, {self._local(at)}", value=text, source=source)
        more = rows[0][3] - len(rows) if rows else 0
        if more:
            yield Node(f"and {more} more")
        if not rows:
            yield Node(f"no such {node.event}")

    # --- rows of sources ---

    def _field(self, name: str) -> Iterator[Node]:
        field = next((f for f in self.program.profile.fields if f.name == name), None)
        if field is None:
            return
        if isinstance(field.merge, Own):
            for value, at, key in self._rows(of_customer.LAST_WRITE, field=name):
                now = written(value, field.type, self.program.timezone)
                text = f"set to {now} by {key}, {self._local(at)}"
                yield Node(text, source={"key": key, "at": _iso(at)})
            return
        found = list(self._records(name))
        # The value itself was merged when customers were unified. This finds the record behind it.
        used = min(found, key=lambda o: o.order(field.merge), default=None)
        for origin in found:
            yield self._origin(origin, field.type, origin is used and len(found) > 1)

    def _records(self, name: str) -> Iterator["_Origin"]:
        for place, mapping in enumerate(self.program.profile.mappings):
            node = mapping.fields.get(name)
            if node is not None:
                time = insight.time_column(self.program, name, mapping)
                rows = self._rows(insight.origins(self.program, place, node, time))
                for key, value, at in rows:
                    yield _Origin(place, mapping.source, key, value, time, at)

    def _origin(self, origin: "_Origin", type: Type, is_used: bool) -> Node:
        text = f"{origin.source} {origin.key}"
        source: dict[str, object] = {"source": origin.source, "key": origin.key}
        if origin.time is not None:
            time = shown(origin.at, DATETIME, self.program.timezone)
            text += f", {origin.time} {time}"
            source["time"] = time
        for (loaded,) in self._rows(of_customer.SOURCE_LOADED, source=origin.source):
            text += f", loaded {self._local(loaded)}"
            source["loaded_at"] = _iso(loaded)
        text += ", this one counts" * is_used
        return Node(text, value=shown(origin.value, type, self.program.timezone), source=source)

    # --- consent ---

    def _consents(self, topic: str, channel: str | None) -> Iterator[Node]:
        found = next(t for t in self.program.topics if t.name == topic)
        for name in (channel,) if channel else found.channels:
            parts = tuple(self._consent(topic, name))
            default = "agreed" if found.consent != "opt_in" else "not agreed"
            yield Node(f"{topic} by {name}", None, parts or (Node(f"nothing said: {default}"),))

    def _consent(self, topic: str, channel: str) -> Iterator[Node]:
        changes = self._rows(of_customer.LAST_CONSENT, topic=topic, channel=channel)
        for granted, at in changes:
            text = f"{'agreed' if granted else 'refused'}, {self._local(at)}"
            yield Node(text, source={"at": _iso(at), "granted": granted})
        # A change of consent overrides the sources (S20), so these are read only without one.
        for place, mapping in enumerate(self.program.profile.mappings if not changes else ()):
            for consent in _about(mapping.consents, topic, channel):
                rows = self._rows(insight.origins(self.program, place, consent.value, None))
                for key, value, _ in rows:
                    text = f"{mapping.source} {key}: {words(consent.value)}"
                    source = {"source": mapping.source, "key": key}
                    if value is None:
                        yield Node(text, value="unknown", source=source)
                    else:
                        yield Node(text, bool(value), source=source)

    def _local(self, at: datetime) -> str:
        return local(at, self.program.timezone)


@dataclass(frozen=True, slots=True)
class _Origin:
    """The value of a field in one record of a source.

    `time` is the column of `at`, for `latest`.
    """

    place: int
    source: str
    key: str
    value: object
    time: str | None
    at: object

    def order(self, merge: object) -> tuple[object, ...]:
        """Return the key by which the merge chooses: the smallest wins.

        It must agree with `sql/unify`.
        """
        if isinstance(merge, Prefer):
            names = merge.sources
            rank = names.index(self.source) if self.source in names else len(names)
            return (self.value is None, rank, self.place, self.key)
        assert isinstance(merge, Latest), "fields of journeys have no records"
        is_later = not merge.is_known and self.at is not None
        # A record without a value comes after the others, unless the latest one counts as it is.
        is_unknown = self.value is None and not is_later
        return (is_unknown, self.at is None, _Latest(self.at), self.place, self.key)


@dataclass(frozen=True, slots=True)
class _Latest:
    at: object

    # Reversed, so that the latest time is the smallest key.
    def __lt__(self, other: "_Latest") -> bool:
        return self.at is not None and other.at is not None and self.at > other.at  # type: ignore[operator]


def _about(
    consents: Iterable[ConsentMapping], topic: str, channel: str
) -> Iterator[ConsentMapping]:
    found = [c for c in consents if c.topic == topic and c.channel in (None, channel)]
    yield from sorted(found, key=lambda c: c.channel is None)[:1]


def _is_plain(node: ex.Expression) -> bool:
    return not isinstance(node, (ex.And, ex.Or, ex.Not))


def _operands(node: ex.Expression) -> Iterator[ex.Expression]:
    """Yield the operands of a value or comparison, except constants, whose value is in the text
    already."""
    found: list[ex.Expression] = []
    match node:
        case ex.Compare(left=left, right=right) | ex.Arithmetic(left=left, right=right):
            found = [left, right]
        case ex.InSet(value=value, items=items):
            found = [value, *items]
        case ex.TopShare(value=value) | ex.Known(value=value):
            found = [value]
        case ex.Coalesce(value=value, default=default):
            found = [value, default]
        case ex.Cases(cases=cases, otherwise=otherwise):
            found = [part for c in cases for part in (c.condition, c.value)] + [otherwise]
        case ex.Call(arguments=arguments):
            found = list(arguments)
        case ex.Related(base=base):
            found = [base]
    yield from (n for n in found if not isinstance(n, (ex.Constant, ex.Period)))


def _wanted(node: ex.Expression, program: Program) -> Iterator[ex.Expression]:
    """Yield every part of an expression whose value the answer shows."""
    yield node
    match node:
        case ex.And(items=items) | ex.Or(items=items):
            inner: Iterable[ex.Expression] = items
        case ex.Not(item=item):
            inner = [item]
        case ex.Member(segment=name):
            inner = [s.condition for s in program.segments if s.name == name]
        case ex.MeasureValue(measure=name):
            inner = [m.value for m in program.measures if m.name == name]
        case _:
            inner = _operands(node)
    for part in inner:
        yield from _wanted(part, program)


def _iso(at: datetime) -> str:
    return at.isoformat() + "Z"
