"""The sentences of a message that print a name: the last part of its lineage."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cij.compiler import program as pg
from cij.compiler.placeholders import placeholders


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of a text of a message; `part` is subject or body."""

    locale: str
    part: str
    text: str


def sentences(message: pg.Message, names: Collection[str]) -> Iterator[Sentence]:
    """Yield the lines that print one of the names, which may be dotted, each line once."""
    for content in message.locales:
        for part, text in (("subject", content.subject), ("body", content.body)):
            for line in dict.fromkeys(_lines(text, names)):
                yield Sentence(content.locale, part, line)


def _lines(text: str, names: Collection[str]) -> Iterator[str]:
    found, _ = placeholders(text)
    for each in found:
        if ".".join(each.path) in names:
            start = text.rfind("\n", 0, each.index) + 1
            end = text.find("\n", each.index)
            yield text[start : end if end >= 0 else len(text)].strip()
