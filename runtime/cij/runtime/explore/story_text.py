"""The text of a drawn story: a `test` block as an author would write it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cij.compiler import story as st
from cij.compiler.expression import Constant
from cij.compiler.unparse import duration_words, name_words, words


def worded(statement: st.Statement, line: int) -> st.Statement:
    """Return the statement with its text and with the line as its place.

    The place is part of the id of an event, so every statement needs its own.
    """
    place = statement.place.model_copy(update={"line": line})
    return replace(statement, place=place, words=" ".join(_lines(statement)).strip())


def joined(statements: Sequence[st.Statement]) -> Iterator[st.Statement]:
    """Yield the statements, each `after` on one line with an event that follows it.

    So an event at exactly a deadline comes before it, and the text plays as the story did.
    """
    for statement, behind in zip(statements, [*statements[1:], None], strict=True):
        if isinstance(statement, st.After):
            yield replace(statement, is_joined=isinstance(behind, st.Happens))
        else:
            yield statement


def as_test(story: st.Story, title: str, journey: str) -> str:
    """Return the text of the `test` block."""
    lines = [f'test "{title}" for {name_words(journey)} {{', f"  clock {story.clock}"]
    begun = ""
    for statement in story.statements:
        first, *rest = _lines(statement)
        if isinstance(statement, st.After) and statement.is_joined:
            begun = f"{first} "
            continue
        lines += [f"  {line}" for line in (begun + first, *rest)]
        begun = ""
    return "\n".join([*lines, "}"]) + "\n"


def _lines(statement: st.Statement) -> Iterator[str]:
    match statement:
        case st.Given(customer=name):
            pairs = dict(_values(statement.fields)) | dict(_consents(statement.consents))
            yield from _block(f'given customer "{name}"', pairs)
        case st.Happens(event=event, of=of, customer=name, fields=fields):
            label = f"{name_words(event)}({name_words(of)})" if of else name_words(event)
            yield from _block(f'event {label} by "{name}"', dict(_values(fields)))
        case st.After(period=period):
            yield f"after {duration_words(period)}"


def _block(head: str, pairs: dict[str, str]) -> Iterator[str]:
    if not pairs:
        # The grammar requires braces after a customer, and forbids empty ones after an event.
        yield head + (" {}" if head.startswith("given") else "")
        return
    yield f"{head} {{"
    yield from (f"  {name} = {value}" for name, value in pairs.items())
    yield "}"


def _values(fields: dict[str, Constant]) -> Iterator[tuple[str, str]]:
    for name, constant in fields.items():
        yield name_words(name), words(constant)


def _consents(consents: tuple[st.ConsentGiven, ...]) -> Iterator[tuple[str, str]]:
    for c in consents:
        name = f"consent.{c.topic}" + (f".{c.channel}" if c.channel else "")
        yield name_words(name), "true" if c.is_granted else "false"
