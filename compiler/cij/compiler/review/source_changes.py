"""Changes of what comes from outside: sources, the profile, events, entities, actions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cij.compiler import expression as ex, program as pg
from cij.compiler.review.both_sides import Context, journeys_of, same, where
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.lineage import Node
from cij.compiler.review.new_names import GivenField, given_fields
from cij.compiler.review.part_changes import Parts, part_changes, part_renamed
from cij.compiler.review.review_answers import COUNT, used_by, who_uses
from cij.compiler.review.review_report import Change
from cij.compiler.unparse import seconds_words, words


def _setting(
    address: str,
    what: str,
    change_class: ChangeClass,
    effect: str,
    values: tuple[object, object],
    users: tuple[Node, ...],
    place: pg.Place | None,
    *,
    decide: str = "",
) -> Change:
    return Change(
        address=address,
        action="changed",
        change_class=change_class if users else "none",
        what=what,
        before=_shown(values[0]),
        after=_shown(values[1]),
        effect=effect,
        who=who_uses(users),
        inside="The next run reads the new values for everybody, also for people inside."
        if journeys_of(users)
        else "",
        decide=decide if journeys_of(users) else "",
        affects=used_by(users),
        place=where(place),
    )


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, ex.Typed):
        return words(value)  # type: ignore[arg-type]
    if isinstance(value, dict):
        return ", ".join(f"{key} = {inner}" for key, inner in value.items())
    return str(value)


# --- sources ----------------------------------------------------------------------------------

_SOURCE: tuple[tuple[str, str, str], ...] = (
    ("kind", "is of another kind", "The data is read from another system."),
    ("settings", "is read from another place", "The data comes from another file or table."),
    ("key", "has another key", "Another column identifies the records, so ids may change."),
    ("where", "keeps other rows", "Other customers or events come in."),
    ("timezone", "has another time zone", "Local times mean other instants."),
    ("tolerate", "tolerates another share of bad rows", "A refresh fails earlier or later."),
    ("personal", "hides other columns", "Other values are shown in reports."),
)


def source_changes(name: str, old: pg.Source, new: pg.Source, context: Context) -> Iterator[Change]:
    """Yield the changes of a source that is on both sides."""
    users = context.users(Node("source", name))
    for field, what, effect in _SOURCE:
        before, after = getattr(old, field), getattr(new, field)
        if not same(before, after):
            change_class: ChangeClass = "none" if field in ("tolerate", "personal") else "audience"
            yield _setting(
                f"source.{name}.{field}",
                f"source `{name}` {what}",
                change_class,
                effect,
                (before, after),
                users,
                new.place,
                decide=f"Are these the right data? {COUNT} would be new or missing.",
            )
    yield from part_changes(_columns(name, old, new), context)


def _columns(name: str, old: pg.Source, new: pg.Source) -> Parts:
    return Parts(
        f"source.{name}",
        f"source `{name}`",
        "column",
        "column",
        {c.name: c for c in old.columns},
        {c.name: c for c in new.columns},
        _column,
        _column,
        where(new.place),
    )


def _column(part: pg.SourceColumn) -> str:
    known = "" if part.is_nullable else ", always known"
    outside = "" if part.written is None else f", read from `{part.written}`"
    return f"{part.name} = {part.type}{known}{outside}"


# --- the profile ------------------------------------------------------------------------------


def profile_changes(
    name: str, old: pg.Profile, new: pg.Profile, context: Context
) -> Iterator[Change]:
    """Yield the changes of who the customers are, and of their fields."""
    everybody = tuple(Node("journey", j) for j in context.head.model.journeys)
    matches = _matches(old), _matches(new)
    if matches[0] != matches[1]:
        effect = "Other records count as one person: customers may merge, or split in two."
        yield _setting(
            f"profile.{name}.match",
            "other records are the same customer",
            "audience",
            effect,
            matches,
            everybody,
            new.place,
            decide=f"Are these the same people? {COUNT} customers would merge or split.",
        )
    if old.gone_after_s != new.gone_after_s:
        yield _setting(
            f"profile.{name}.gone_after",
            "customers who are in no source leave after another time",
            "timing",
            "They stand still for a longer or shorter time before they leave all journeys.",
            (seconds_words(old.gone_after_s), seconds_words(new.gone_after_s)),
            everybody,
            new.place,
        )
    yield from part_changes(_fields(name, old, new), context)
    yield from _consents(name, old, new, context)


def _matches(profile: pg.Profile) -> str:
    found = (f"{' and '.join(m.fields)} (at most {m.at_most} records)" for m in profile.matches)
    return "; ".join(found) or "no rule: each record is a customer"


def _fields(name: str, old: pg.Profile, new: pg.Profile) -> Parts:
    return Parts(
        f"profile.{name}",
        f"`{name}`",
        "field",
        "field",
        given_fields(old),
        given_fields(new),
        _given_words,
        _given_written,
        where(new.place),
    )


def _given_words(part: GivenField) -> str:
    return f"{part.type} from {_given_written(part)}" if part.values else _given_written(part)


def _given_written(part: GivenField) -> str:
    if not part.values:
        return f"{part.type}, written by journeys"
    merge = part.field.merge
    values = ", ".join(f"{source}: {words(value)}" for source, value in part.values.items())
    rule = ""
    if isinstance(merge, pg.Prefer) and len(part.values) > 1:
        rule = f"; prefer {', '.join(merge.sources)}"
    if isinstance(merge, pg.Latest):
        of = ", ".join(f"{source}.{column}" for source, column in merge.columns.items())
        rule = f"; prefer {'last known' if merge.is_known else 'latest'}({of})"
    return f"{values}{rule}"


def _consents(name: str, old: pg.Profile, new: pg.Profile, context: Context) -> Iterator[Change]:
    before, after = _given_consents(old), _given_consents(new)
    for topic in dict.fromkeys((*before, *after)):
        one, other = before.get(topic), after.get(topic)
        if one != other:
            yield Change(
                address=f"profile.{name}.consent.{topic}",
                action="added" if one is None else "removed" if other is None else "changed",
                change_class="policy",
                what=f"the consent to `{topic}` is read in another way",
                before=one,
                after=other,
                effect="Other customers count as having agreed, or as having refused.",
                who=who_uses(context.users(Node("topic", topic.partition(".")[0]))),
                inside="The next run reads consent again for everybody, also for people inside.",
                decide="Did these customers agree?",
                place=where(new.place),
            )


def _given_consents(profile: pg.Profile) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for mapping in profile.mappings:
        for consent in mapping.consents:
            topic = consent.topic + (f".{consent.channel}" if consent.channel else "")
            found.setdefault(topic, []).append(f"{mapping.source}: {words(consent.value)}")
    return {topic: "; ".join(values) for topic, values in found.items()}


# --- events, entities, actions ----------------------------------------------------------------

_EVENT: tuple[tuple[str, str, str], ...] = (
    ("source", "comes from another source", "Other events come in."),
    ("customer", "belongs to customers by another column", "Events may belong to others."),
    ("at", "happens at another time", "Windows and waits count from other instants."),
    ("record", "is raised by other changes of records", "Other changes raise it."),
    ("where", "is raised by other rows", "Other rows become events. Those that are events stay."),
)


def event_changes(name: str, old: pg.Event, new: pg.Event, context: Context) -> Iterator[Change]:
    """Yield the changes of an event that is on both sides."""
    users = context.users(Node("event", name))
    for field, what, effect in _EVENT:
        before, after = getattr(old, field), getattr(new, field)
        if not same(before, after):
            values = _event_part(before), _event_part(after)
            address, said = f"event.{name}.{field}", f"event `{name}` {what}"
            decide = f"Are these the right events? {COUNT} would enter."
            yield _setting(
                address, said, "audience", effect, values, users, new.place, decide=decide
            )
    yield from part_changes(_event_fields(name, old, new), context)


def _event_fields(name: str, old: pg.Event, new: pg.Event) -> Parts:
    outside = (
        "Systems that hand in `{old}` with `cij event` must send `{new}`: an event with `{old}` is refused."
        if new.source is None
        else ""
    )
    return _typed_fields("event", name, old, new, outside)


def _typed_fields(
    word: str,
    name: str,
    old: pg.Event | pg.Entity,
    new: pg.Event | pg.Entity,
    outside: str = "",
) -> Parts:
    return Parts(
        f"{word}.{name}",
        f"{word} `{name}`",
        f"{word} field",
        "field",
        {f.name: f for f in old.fields},
        {f.name: f for f in new.fields},
        _event_field,
        _event_field_written,
        where(new.place),
        outside,
    )


def _event_part(value: object) -> object:
    if isinstance(value, pg.CustomerReference):
        return f"{value.source}({value.column})"
    if isinstance(value, pg.RecordChange):
        return f"{value.on} {', '.join(value.columns)}".strip()
    return value


def _event_field(part: pg.EventFieldDefinition) -> str:
    return f"{part.type}" + (f" from {words(part.value)}" if part.value is not None else "")


def _event_field_written(part: pg.EventFieldDefinition) -> str:
    return words(part.value) if part.value is not None else str(part.type)


def entity_changes(name: str, old: pg.Entity, new: pg.Entity, context: Context) -> Iterator[Change]:
    """Yield the changes of an entity that is on both sides."""
    users = context.users(Node("entity", name))
    if old.source != new.source:
        what, effect = f"entity `{name}` comes from another source", "Its rows are others."
        values = old.source, new.source
        yield _setting(f"entity.{name}.source", what, "audience", effect, values, users, new.place)
    yield from part_changes(_entity_fields(name, old, new), context)


def _entity_fields(name: str, old: pg.Entity, new: pg.Entity) -> Parts:
    return _typed_fields("entity", name, old, new)


def action_changes(name: str, old: pg.Action, new: pg.Action, context: Context) -> Iterator[Change]:
    """Yield the change of an action that is on both sides."""
    if same(old, new):
        return
    users = context.users(Node("action", name))
    yield _setting(
        f"action.{name}",
        f"action `{name}` has other parameters or results",
        "content",
        "The system that it calls gets, or must return, other values.",
        (_signature(old), _signature(new)),
        users,
        new.place,
        decide="Does the other system understand the new call?",
    )


def _signature(action: pg.Action) -> str:
    given = ", ".join(
        f"{p.name}: {p.type}{'' if p.is_required else '?'}" for p in action.parameters
    )
    back = ", ".join(f"{r.name}: {r.type}" for r in action.returns)
    return f"({given})" + (f" -> {back}" if back else "")


# --- renamed parts ----------------------------------------------------------------------------


def _renamed_of(collection: str, parts: Callable[[str, Any, Any], Parts]) -> "_Renamed":
    def told(old: str, new: str, context: Context) -> Change:
        owner, _, name = old.rpartition(".")
        part = getattr(context.head.model, collection)[owner]
        return part_renamed(name, new, parts(owner, part, part), context)

    return told


def _renamed_field(old: str, new: str, context: Context) -> Change:
    profile = context.head.model.profile
    assert profile is not None, "a field is of a profile"
    return part_renamed(old, new, _fields(profile.name, profile, profile), context)


_Renamed = Callable[[str, str, Context], Change]
# The functions that report a part with another name, by its kind in the lineage.
RENAMED_PARTS: Mapping[str, _Renamed] = {
    "column": _renamed_of("sources", _columns),
    "event field": _renamed_of("events", _event_fields),
    "entity field": _renamed_of("entities", _entity_fields),
    "field": _renamed_field,
}
