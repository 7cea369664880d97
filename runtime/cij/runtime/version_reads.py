"""What the versions read on which somebody stands, and what a changed project lacks of it (S31).

It loads neither the compiler nor the engine, because `cij check` says it also where its report is
cached.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cij.compiler.program import Program


@dataclass(frozen=True, slots=True)
class VersionReads:
    """A version on which `people` stand. `names` are the columns of customers that it reads, and
    `entity.field`."""

    journey: str
    version: str
    people: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offers:
    """What a project has: its versions as (journey, version), and names as in `VersionReads`."""

    versions: frozenset[tuple[str, str]]
    names: frozenset[str]


def offers(program: "Program") -> Offers:
    """Return what a program has of what versions read."""
    names = {"id", "zone", *(f.name for f in program.profile.fields)}
    names |= {f"consent.{t.name}.{channel}" for t in program.topics for channel in t.channels}
    names |= {f"{e.name}.{f.name}" for e in program.entities for f in e.fields}
    versions = {(j.name, j.version) for j in program.journeys}
    return Offers(frozenset(versions), frozenset(names))


def lacking(found: Iterable[VersionReads], offers: Offers) -> Iterator[str]:
    """Yield one line for each version that reads what the project does not have any more."""
    for each in found:
        gone = [name for name in each.names if name not in offers.names]
        if gone and (each.journey, each.version) not in offers.versions:
            yield _told(each, gone)


def _told(reads: VersionReads, gone: list[str]) -> str:
    is_one = reads.people == 1
    names = ", ".join(f"`{name}`" for name in gone)
    return (
        f"{reads.journey}: {reads.people} {'person' if is_one else 'people'} on version "
        f"{reads.version[:8]} still {'reads' if is_one else 'read'} {names}, which the new version does "
        "not have: it stays with its last values until they have left"
    )
