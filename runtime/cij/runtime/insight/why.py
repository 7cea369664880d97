"""Why a customer did or did not enter a journey, get its messages, or take its branches."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql import insight
from cij.compiler.sql.plan.governing import held_by, stands_at
from cij.compiler.unparse import duration_words, event_words, schedule_words, timer_words, words
from cij.compiler.walk import walk
from cij.runtime import absence
from cij.runtime.admission import Admission, admissions
from cij.runtime.deploy import look
from cij.runtime.engine import Engine, Row
from cij.runtime.insight.display import local
from cij.runtime.insight.node import Node, as_json as node_as_json, lines as node_lines, reason
from cij.runtime.insight.person import Versions
from cij.runtime.insight.reading import Reader
from cij.runtime.insight.timeline import branch_taken
from cij.runtime.store import of_customer
from cij.runtime.story.story_clock import later

# The newest passages. More would hide the answer.
_SHOWN_PASSAGES = 3


@dataclass(frozen=True, slots=True)
class Why:
    """The answer.

    `verdict` is one sentence; `entering` are the rules of the admission as of `at`.
    """

    customer: str
    journey: str
    at: datetime
    verdict: str
    entering: tuple[Node, ...]
    passages: tuple[Node, ...]


class _Undone(Exception):
    """Rolls back what had to be computed for an instant."""


def why(engine: Engine, program: pg.Program, customer: str, journey: str, at: datetime) -> Why:
    """Evaluate the rules of a journey for a customer as of `at`, without a change of the store.

    Calendar instants are written for `at`, so this runs in a transaction that is rolled back.
    """
    found: list[Why] = []
    with suppress(_Undone), engine.transaction():
        asked = _Question(engine, program, customer, journey, at)
        found.append(asked.answer())
        raise _Undone
    return found[0]


@dataclass(slots=True)
class _Question:
    engine: Engine
    program: pg.Program
    customer: str
    name: str
    at: datetime
    versions: Versions = field(init=False)
    journey: pg.Journey = field(init=False)
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        self.versions = Versions(self.engine, self.program)
        self.journey = next(j for j in self.program.journeys if j.name == self.name)
        self.admission = admissions(look(self.engine, self.program))[self.name]

    def answer(self) -> Why:
        passages = self._rows(of_customer.PASSAGES_OF_JOURNEY)
        entering = tuple(self._entering(passages))
        shown = tuple(self._passage(row) for row in passages[:_SHOWN_PASSAGES])
        verdict = self._verdict(passages, entering)
        return Why(self.customer, self.name, self.at, verdict, entering, shown)

    def _rows(self, statement: Any, **more: object) -> list[Row]:
        named = {"customer": self.customer, "journey": self.name, "now": self.at}
        return self.engine.rows(statement, {**named, **more})

    def _local(self, at: datetime) -> str:
        return local(at, self.program.timezone)

    def _reader(self, at: datetime, passage: int | None = None) -> Reader:
        return Reader(self.engine, self.program, self.journey, self.customer, at, passage)

    # --- the verdict ---

    def _verdict(self, passages: list[Row], entering: tuple[Node, ...]) -> str:
        # As of `at`: a passage that ended later was open then.
        inside = [row for row in passages if row[3] is None or row[3] > self.at]
        if inside:
            return f"is inside since {self._local(inside[0][2])}{self._away()}"
        against = self._against(entering)
        if passages:
            _, _, entered, ended, outcome, *_ = passages[0]
            text = f"entered {self._local(entered)}, left as {outcome} {self._local(ended)}"
            return text + (
                f"; does not enter again, because this is false: {against}" if against else ""
            )
        if against:
            return f"has not entered, because this is false: {against}"
        if all(isinstance(entry, pg.EventEntry) for entry in self.journey.entries):
            for at, text in self._rows(of_customer.TURNED_AWAY_FROM)[:1]:
                return f"has not entered, because they were turned away {self._local(at)}: {text}"
        return "has not entered, but nothing prevents it: the next run admits them"

    def _away(self) -> str:
        """Return that the customer stands still, if they are in no source any more; else nothing."""
        since = absence.since(self.engine, self.customer)
        if since is None or since > self.at:
            return ""
        end = self._local(absence.ends_at(since, self.program))
        return (
            f", and stands still since {self._local(since)}, because they are in no source any more; "
            f"without a source they leave as gone {end}"
        )

    def _against(self, entering: tuple[Node, ...]) -> str:
        """Return the reasons why the customer may not enter; empty where there are none."""
        blocked = [reason(node) for node in entering if node.holds is False]
        return "; ".join(blocked)

    # --- the admission ---

    def _entering(self, passages: list[Row]) -> Iterator[Node]:
        yield self._open()
        entries = [self._entry(entry) for entry in self.journey.entries]
        if len(entries) == 1:
            yield entries[0]
        else:
            yield Node("enters by one of these", any(n.holds for n in entries), tuple(entries))
        yield from self._again(passages)
        if self.journey.suppress is not None:
            yield self._not_suppressed(self.journey.suppress)
        yield from self._limits()

    def _not_suppressed(self, condition: ex.Expression) -> Node:
        if any(isinstance(part, ex.TriggerField) for part in walk(condition)):
            # Each entering event has its own answer, and here is none.
            return Node(f"not suppressed, which the entering event decides: {words(condition)}")
        found = self._reader(self.at).read(condition)
        return Node(f"not suppressed: {found.text}", not found.holds, found.parts)

    def _open(self) -> Node:
        state, notes = self.admission.state, []
        notes.append(Node(f"started {self._local(self.admission.opens)}"))
        if self.journey.ends:
            notes.append(Node(f"ends {self._local(self.admission.closes)}"))
        if state == "failed":
            notes.append(Node("put aside because it failed: `cij status` says why"))
        elif state != "live":
            notes.append(Node(f"now {state}"))
        is_open = self.admission.is_open(self.at) and state != "paused"
        return Node(f"the journey is open at {self._local(self.at)}", is_open, tuple(notes))

    def _entry(self, entry: pg.Entry) -> Node:
        if isinstance(entry, pg.EventEntry):
            return self._by_event(entry)
        when = f" {schedule_words(entry.every)}" if entry.every else ""
        condition = ex.Member(segment=entry.segment)
        found = self._reader(self.at).read(condition)
        once = " once" if entry.is_once else ""
        return Node(f"in segment {entry.segment}{once}{when}", found.holds, found.parts)

    def _by_event(self, entry: pg.EventEntry) -> Node:
        rows = self._rows(insight.recent_events(entry.event), since=self.admission.opens)
        parts = tuple(self._event(entry, *row) for row in rows)
        text = f"did {event_words(entry.event, None, entry.where)}"
        none = Node(f"no {entry.event} since {self._local(self.admission.opens)}")
        return Node(text, any(p.holds is not False for p in parts), parts or (none,))

    def _event(self, entry: pg.EventEntry, seq: int, id: str, at: datetime) -> Node:
        text = f"{entry.event} {id}, {self._local(at)}"
        if entry.where is None:
            return Node(text)
        reader = self._reader(at)
        reader.event, reader.seq = entry.event, seq
        found = reader.read(entry.where)
        return Node(text, found.holds, (found,))

    def _again(self, passages: list[Row]) -> Iterator[Node]:
        if not passages:
            return
        per = f" for each {self.journey.per}" if self.journey.per else ""
        again, period = self.journey.again, self.journey.again_after
        after = f" {duration_words(period)}" if period else ""
        # With `per` an entry depends on the key of a future event, so nothing is certain.
        is_at_once = self.journey.per is not None or not any(map(self._blocks, passages))
        counts = Node(f"entered {len(passages)} times" if passages[1:] else "entered once")
        yield Node(f"may enter again{per}: `again {again}{after}`", is_at_once, (counts,))

    def _blocks(self, row: Row) -> bool:
        _, _, _, ended_at, *_ = row
        if self.journey.again == "never" or ended_at is None or ended_at > self.at:
            return True
        period = self.journey.again_after
        if self.journey.again == "always" or period is None:
            return False
        zone = self.journey.timezone or self.program.timezone
        return later(ended_at, period, zone) > self.at

    def _limits(self) -> Iterator[Node]:
        for at, text in self._rows(of_customer.TURNED_AWAY_FROM):
            yield Node(f"turned away {self._local(at)}: {text}")
        for (at,) in self._rows(of_customer.QUEUED_FOR):
            yield Node(f"waits in the queue since {self._local(at)}", False)

    # --- passages ---

    def _passage(self, row: Row) -> Node:
        id, version, entered_at, ended_at, _, _, key, is_held_out, _, wake_at, _ = row
        text = f"passage {id}, entered {self._local(entered_at)}" + (f" by {key}" if key else "")
        if is_held_out:
            text += f", held out ({self.journey.holdout})"
        if version != self.journey.version:
            text += f", on the older version {version[:8]}"
        parts = list(self._steps(id, version))
        if ended_at is None and wake_at is not None:
            parts.append(Node(f"waits until {self._local(wake_at)}"))
        return Node(text, None, tuple(parts), source={"passage": id, "version": version})

    def _steps(self, passage: int, version: str) -> Iterator[Node]:
        rows = self._rows(of_customer.HISTORY_UNTIL, passage=passage)
        sent = {
            (m[0], m[1]): m for m in self._rows(of_customer.MESSAGES_OF_PASSAGE, passage=passage)
        }
        for place, (at, id, because) in enumerate(rows):
            found = self.versions.that_knows(id, self.name, version)
            if found is None:
                continue
            journey, program = found
            state, held = stands_at(journey, id), held_by(id)
            after = rows[place + 1][2] if place + 1 < len(rows) else None
            match state:
                case pg.ActState() if held is not None:
                    yield Node(f"{self._local(at)} {state.step}: held by {held}")
                    if after == "timer":
                        yield Node(f"{self._local(rows[place + 1][0])} {state.step}: released")
                case pg.ActState() if (state.step, at) in sent:
                    yield self._message(sent[state.step, at], at)
                case pg.DecideState():
                    reader = Reader(self.engine, program, journey, self.customer, at, passage)
                    yield self._decision(state, after, at, reader)
                case pg.WaitState():
                    yield Node(f"{self._local(at)} {state.step}: waits {timer_words(state.timer)}")
                    if after is not None:
                        then, to, _ = rows[place + 1]
                        yield self._left(state, then, after, is_over=_is_over(journey, to))
                case pg.EndState():
                    yield self._end(journey, state, at, because)

    def _left(self, rest: pg.WaitState, at: datetime, after: str, *, is_over: bool) -> Node:
        if is_over:
            return Node(f"{self._local(at)} {rest.step}: broken off, by {after}")
        reasons = {"timer": "its time was over", "condition": "its condition came true"}
        return Node(f"{self._local(at)} {rest.step}: went on, {reasons.get(after, f'by {after}')}")

    def _message(self, row: Row, at: datetime) -> Node:
        step, _, channel, message, outcome, reason_, address, locale, settled, tries, key, _ = row
        what = f"do {message}" if channel == "action" else f"{channel} {message}"
        text = f"{self._local(at)} {step}: {what}, {outcome}"
        parts = []
        if reason_:
            parts.append(Node(f"because {reason_}"))
        if address:
            parts.append(Node(f"to {address}" + (f" in {locale}" if locale else "")))
        if settled and settled != at:
            parts.append(Node(f"settled {self._local(settled)}"))
        if tries and tries > 1:
            parts.append(Node(f"tried {tries} times"))
        if outcome == "no_consent":
            topic = ex.Consent(topic=row[-1], channel=channel)
            parts.append(self._reader(at).read(topic))
        return Node(text, None, tuple(parts), source={"key": key, "outcome": outcome})

    def _decision(
        self, state: pg.DecideState, after: str | None, at: datetime, reader: Reader
    ) -> Node:
        taken = branch_taken(state, after)
        asked = state.branches[:taken] if taken else state.branches
        # Guards after the branch that was taken were not evaluated, so they explain nothing.
        branch = f"took branch {taken}" if taken else "took else"
        text = f"{self._local(at)} {state.step}: {branch}"
        read = (reader.read(branch.guard) for branch in asked)
        parts = (_as_decided(node, place == taken) for place, node in enumerate(read, 1))
        return Node(text, None, tuple(parts))

    def _end(
        self, journey: pg.Journey, state: pg.EndState, at: datetime, because: str | None
    ) -> Node:
        rules: list[pg.Exit | pg.Goal] = [*journey.exits, *journey.goals]
        rule = next((r for r in rules if r.target == state.id), None)
        parts = []
        if rule is not None and rule.event is not None:
            parts.append(Node(f"on {event_words(rule.event, None, rule.where)}"))
        elif rule is not None and rule.condition is not None:
            parts.append(Node(f"when {words(rule.condition)}"))
        by = f" ({because})" if because and not parts else ""
        return Node(f"{self._local(at)} leaves as {state.outcome}{by}", None, tuple(parts))


def _as_decided(found: Node, held: bool) -> Node:
    """Return a guard as it was decided: the store keeps what was done, and of fields only what they are
    now, so reading them again may give another answer."""
    if found.holds is None or found.holds == held:
        return replace(found, holds=held)
    # It must not sound as if the reason above it were wrong.
    changed = Node("what it reads has changed since", None, found.parts)
    return replace(found, holds=held, parts=(changed,))


def _is_over(journey: pg.Journey, state: str) -> bool:
    """Tell whether a state is the end of an exit or a goal, which a passage can reach from any
    wait."""
    rules: list[pg.Exit | pg.Goal] = [*journey.exits, *journey.goals]
    return any(rule.target == state for rule in rules)


def lines(found: Why, zone: str) -> Iterator[str]:
    """Yield the answer as lines of text. Times are local to `zone`."""
    yield f"{found.customer} and {found.journey}, as of {local(found.at, zone)} ({zone})"
    yield found.verdict
    nodes = [Node("entering", None, found.entering), *found.passages]
    for node in nodes:
        yield ""
        yield node.text
        for number, part in enumerate(node.parts, 1):
            yield from node_lines(part, "", "└─ " if number == len(node.parts) else "├─ ")


def as_json(found: Why) -> dict[str, Any]:
    """Return the answer in types that JSON has. Instants are ISO text with `Z`."""
    return {
        "customer": found.customer,
        "journey": found.journey,
        "at": found.at.isoformat() + "Z",
        "verdict": found.verdict,
        "entering": [node_as_json(node) for node in found.entering],
        "passages": [node_as_json(node) for node in found.passages],
    }
