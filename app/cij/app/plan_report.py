"""The result of `cij plan`: what it prints, what `-o plan.json` saves, and what `cij apply` compares.

A minor version of the format adds fields, which an older reader may ignore; a major one does not.
"""

from pydantic import BaseModel, ConfigDict, Field

from cij.compiler.review.review_report import Report
from cij.runtime.foresight import Foresight

FORMAT_VERSION = "1.0"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class Running(_Part):
    """The program that runs in the environment; `at` is an ISO instant with `Z`, empty where it is unknown.

    `share` is the percentage of those who enter that get it: less than 100 in a rollout.
    """

    hash: str
    at: str = ""
    who: str = ""
    revision: str = ""
    share: int = 100


class SegmentCount(_Part):
    """A changed segment. `before` is null for a new one, `after` for one that is gone."""

    segment: str
    before: int | None
    after: int | None
    enter: int
    leave: int
    enters: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()


class Twice(_Part):
    """The people who have got the message of a step and would come to it once more, at `to_step`."""

    step: str
    to_step: str
    people: int


class Group(_Part):
    """The people at one state of an older version, and what happens to them.

    `what` is as in `cij diff`: stays, adopts, moves, ends or stuck. `missed` are steps that were ahead of them
    and are not any more. `is_refused` tells that the program cannot be applied while they are there.
    """

    journey: str
    version: str
    state: str
    step: str
    people: int
    what: str
    target: str | None = None
    to_step: str = ""
    again: tuple[Twice, ...] = ()
    missed: tuple[str, ...] = ()
    is_refused: bool = False


class MessageCount(_Part):
    """The messages of the next days, with the program that runs and with the new one."""

    journey: str
    channel: str
    message: str
    before: int
    after: int
    people: int


class RuleCount(_Part):
    """How often a rule would hold or stop a message in the next days: `effect` is held, capped, expired,
    suppressed or no_consent."""

    effect: str
    rule: str
    before: int
    after: int


class Conflict(_Part):
    """A changed journey beside another one. `kind` is overlap, competing or loop."""

    kind: str
    journeys: tuple[str, ...]
    people: int = 0
    channel: str = ""
    sentence: str = ""


class PlanReport(_Part):
    """What a deployment of the files would change. `environment` is empty for the settings at the top.

    `journeys`, `held`, `people`, `kept` and `foresight` are what the next run does, as of now. `days` is the
    length of the forecast, 0 where there is none. `review` is what `cij diff` says; null where nothing runs
    yet, or the texts that run are not known. `share` is the percentage of those who enter that get the program.
    """

    format_version: str = FORMAT_VERSION
    project: str
    environment: str = Field(default="", pattern=r"^[a-z0-9_-]*$")
    is_protected: bool = False
    at: str
    zone: str
    delivery: dict[str, str] = {}
    base: Running | None = None
    hash: str
    revision: str = ""
    share: int = 100
    journeys: dict[str, str] = {}
    held: dict[str, dict[str, str]] = {}
    people: tuple[Group, ...] = ()
    kept: tuple[str, ...] = ()
    foresight: Foresight | None = None
    segments: tuple[SegmentCount, ...] = ()
    days: int = 0
    messages: tuple[MessageCount, ...] = ()
    rules: tuple[RuleCount, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    review: Report | None = None

    @property
    def is_refused(self) -> bool:
        """Tell whether the program cannot be applied while people are where they are."""
        return any(group.is_refused for group in self.people)
