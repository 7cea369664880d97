"""Drawing a story: one or two customers and their events, with times around deadlines."""

from collections.abc import Iterator
from random import Random

from cij.compiler import story as st
from cij.compiler.channels import CHANNELS
from cij.compiler.expression import Constant, Period
from cij.compiler.program import Place
from cij.compiler.types import Type
from cij.runtime.explore.story_text import joined, worded
from cij.runtime.explore.vocabulary import Constants, Happening, Vocabulary

# Before the last day of a month, before two changes of the clock, and on an ordinary day.
_CLOCKS = ("2026-01-30 10:00", "2026-03-27 23:30", "2026-10-24 22:00", "2026-06-15 09:00")
_NAMES = ("ana", "bob")
_STEPS_MAX = 8
_ELAPSED_MIN = {"minute": 1, "hour": 60}
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def draw(words: Vocabulary, random: Random) -> st.Story:
    """Return a story. The same state of `random` gives the same story."""
    # Most mistakes need one customer, and a story of one is quicker to play and to read.
    names = _NAMES[: 1 if random.random() < 0.8 else 2]
    statements: list[st.Statement] = [_given(name, words, random, share=0.9) for name in names]
    for _ in range(random.randint(1, _STEPS_MAX)):
        statements += _step(random.choice(names), words, random)
    place = Place(file="explored", line=1, column=1)
    clock = random.choice(_CLOCKS)
    numbered = [worded(s, n) for n, s in enumerate(joined(statements), 2)]
    return st.Story("explored", "", place, clock, tuple(numbered))


_NOWHERE = Place(file="explored", line=0, column=1)


def _given(name: str, words: Vocabulary, random: Random, share: float) -> st.Given:
    fields: dict[str, Constant] = {}
    for field, choices in words.fields.items():
        if random.random() < share and (value := _value(name, field, choices, random)):
            fields[field] = value
    consents = tuple(
        st.ConsentGiven(topic.name, random.choice([None, *topic.channels]), random.random() < 0.7)
        for topic in words.program.topics
        if random.random() < share
    )
    return st.Given(_NOWHERE, "", name, fields, consents)


def _value(name: str, field: str, choices: Constants, random: Random) -> Constant | None:
    text = Type(kind="text")
    forms = {row.address_field: row.form for row in CHANNELS.values()}
    # Each customer has an address of their own, because two with the same would be one customer.
    if forms.get(field) == "mail":
        return Constant(type=text, value=f"{name}@example.com")
    if field in forms:
        return Constant(type=text, value=f"+34600{_NAMES.index(name):06}")
    return random.choice(choices) if choices else None


def _step(name: str, words: Vocabulary, random: Random) -> Iterator[st.Statement]:
    yield from _pause(words, random)
    if random.random() < 0.15:
        yield _given(name, words, random, share=0.3)
    elif words.happenings:
        yield _happens(name, random.choice(words.happenings), words, random)


def _happens(name: str, what: Happening, words: Vocabulary, random: Random) -> st.Happens:
    fields: dict[str, Constant] = {}
    for own in what.event.fields:
        choices = words.event_fields[what.event.name, own.name]
        # A random text would be no topic, and the event would be refused.
        if own.name == "topic" and what.event.is_interaction:
            choices = tuple(Constant(type=own.type, value=t.name) for t in words.program.topics)
        if choices and random.random() < 0.8:
            fields[own.name] = random.choice(choices)
    of = random.choice(what.of) if what.of else None
    return st.Happens(_NOWHERE, "", what.event.name, of, name, fields)


def _pause(words: Vocabulary, random: Random) -> Iterator[st.After]:
    """Yield the statements that move the clock to a deadline, right before or after it, or
    anywhere."""
    if random.random() < 0.3 or not words.periods:
        yield _after(random.randint(1, 90), random.choice(["minute", "hour", "day"]))
        return
    period = random.choice(words.periods)
    nudge = random.choice([-1, 0, 0, 1])
    if nudge >= 0:
        yield st.After(_NOWHERE, "", period)
    if nudge > 0:
        yield _after(1, "minute")
    if nudge < 0:
        yield from _short_of(period)


def _short_of(period: Period) -> Iterator[st.After]:
    """Yield the statements that move the clock by a minute less than a period.

    A change of the clock inside the period is ignored.
    """
    if period.rest is not None:
        yield _after(period.count, period.unit)
        yield from _short_of(Period(count=period.rest.count, unit=period.rest.unit))
    elif period.unit in _DAYS:
        days = period.count * _DAYS[period.unit] - 1
        yield from [_after(days, "day")] * bool(days)
        yield _after(23 * 60 + 59, "minute")
    elif (minutes := period.count * _ELAPSED_MIN.get(period.unit, 0) - 1) > 0:
        yield _after(minutes, "minute")


def _after(count: int, unit: str) -> st.After:
    return st.After(_NOWHERE, "", Period.model_validate({"count": count, "unit": unit}))
