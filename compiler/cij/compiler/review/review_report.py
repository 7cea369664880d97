"""The result of a comparison: what `cij diff --format json` prints, with a versioned schema.

A minor version of the format adds fields, which an older reader may ignore; a major one does not.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cij.compiler.review.change_class import ChangeClass

FORMAT_VERSION = "1.0"

Action = Literal["added", "removed", "changed", "renamed", "moved"]
# How a new condition stands to the old one. A narrower one implies it.
Verdict = Literal["equivalent", "narrower", "wider", "disjoint", "overlapping", "not proved"]
Value = bool | int | str | None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class Where(_Part):
    """A place in a file of the newer side; of the older one for what is removed."""

    file: str
    line: int


class Example(_Part):
    """A customer for whom a condition holds, as values by name; None is a value that is unknown.

    `assumed` are parts of conditions that the proof took as they are, so it promises nothing about them.
    """

    values: dict[str, Value]
    assumed: tuple[str, ...] = ()


class Proof(_Part):
    """How a new condition stands to the old one; examples of customers who match only one of them."""

    verdict: Verdict
    sentence: str
    gains: Example | None = None
    loses: Example | None = None


class Change(_Part):
    """One change, with the answers that a reviewer needs.

    Attributes:
        address: what has changed, as kind and names with dots: `journey.welcome.step.week`.
        previous: its address before, where that was another one.
        what: the change in a few words; `before` and `after` quote it.
        effect: what customers get or miss, in one sentence.
        who: who is affected.
        inside: what happens to those who are inside a journey at the moment.
        decide: what the reviewer has to decide; empty where there is nothing to decide.
        affects: what uses the changed declaration, journeys first.
    """

    address: str
    action: Action
    change_class: ChangeClass = Field(validation_alias="class", serialization_alias="class")
    what: str
    effect: str
    who: str = ""
    inside: str = ""
    decide: str = ""
    before: str | None = None
    after: str | None = None
    proof: Proof | None = None
    previous: str | None = None
    affects: tuple[str, ...] = ()
    place: Where | None = None


class Standing(_Part):
    """What happens to customers who wait at a step of the older version when the newer one runs."""

    step: str
    what: Literal["stays", "adopts", "moves", "ends", "stuck"]
    to_step: str = ""


class Figures(_Part):
    """One version of a journey in figures.

    `most_messages` is the most messages for one customer by days of the window; None is no limit.
    `longest_stay_s` is None where nothing limits it. `messages` maps each to its locales.
    """

    version: str | None
    most_messages: dict[str, int | None]
    longest_stay_s: int | None
    goals: tuple[str, ...]
    exits: tuple[str, ...]
    tests: tuple[str, ...]
    messages: dict[str, tuple[str, ...]]


class JourneyReview(_Part):
    """A journey that is affected, before and after. One side is None for a new or removed journey."""

    name: str
    previous: str | None = None
    before: Figures | None
    after: Figures | None
    inside: tuple[Standing, ...] = ()


class Side(_Part):
    """One of the two compared projects. `errors` are sentences about what does not compile."""

    label: str
    hash: str | None
    errors: tuple[str, ...] = ()


class Requirement(_Part):
    """An approval that a rule of `[review]` asks for. `changes` are addresses.

    `approved_by` is the author of the commit that approves; None where there is none. Only an approval of
    the program with the hash `program` counts, so that one for an earlier state of the branch does not.
    """

    needs: str
    changes: tuple[str, ...]
    program: str
    approvers: tuple[str, ...]
    approved_by: str | None = None


class Report(_Part):
    """The comparison of two projects; `changes` begin with the most severe.

    `approvals` is there where it was asked for, with `--gate`.
    """

    format_version: str = FORMAT_VERSION
    project: str
    base: Side
    head: Side
    changes: tuple[Change, ...] = ()
    journeys: tuple[JourneyReview, ...] = ()
    notes: tuple[str, ...] = ()
    approvals: tuple[Requirement, ...] | None = None

    @property
    def missing(self) -> tuple[Requirement, ...]:
        """The approvals that nobody has given yet."""
        return tuple(r for r in self.approvals or () if r.approved_by is None)
