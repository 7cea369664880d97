"""One customer walks through the steps of a journey: what each step does, at one instant."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cij.grammar import syntax
from tests.agreement.deadlines import due
from tests.agreement.doors import Door
from tests.agreement.loops import Held, Pause, Released, Tail, Turn, unfolded
from tests.agreement.passages import CALL, Journey, Life, Message, Passage
from tests.agreement.queueing import Queue, Waiting
from tests.agreement.reading import (
    as_shown,
    clauses,
    events_in,
    occurrence_of,
    refresh,
    setting,
    split_steps,
    zone_exists,
)
from tests.agreement.ruling import ADDRESS, EXEMPT, Cap, Listed, Rules, contents
from tests.agreement.tale import Happening, Tale
from tests.reference_evaluator import Occurrence, Person, Row, World, stepped


@dataclass
class Walking:
    """One tale; `raised` counts the events that journeys raise, `is_dirty` tells that one wrote."""

    tale: Tale
    now: datetime = datetime.min
    lives: list[Life] = field(default_factory=list)
    looked: dict[str, datetime] = field(default_factory=dict)
    raised: int = 0
    is_dirty: bool = False
    views: dict[tuple[str, str], Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.journeys = [Journey(n) for n in self.tale.nodes if isinstance(n, syntax.Journey)]
        self.lives = [Life(c, dict(c.fields), dict(c.consents)) for c in self.tale.customers]
        self.doors = {j.name: Door(j, self.tale) for j in self.journeys}
        self.queues = {j.name: Queue(j, self.doors[j.name].zone) for j in self.journeys}
        self.comers: dict[str, list[Waiting]] = {}
        self.paused: set[str] = set()
        self.missed: dict[tuple[str, str], list[Occurrence]] = {}
        segments = self.tale.of_kind("segment")
        self.conditions = {n.name.text: clauses(n) for n in segments}
        self.refresh = {n.name.text: refresh(n) for n in segments}
        measures = self.tale.of_kind("measure")
        self.measures = {n.name.text: setting(n, "value") for n in measures}
        self.entered = {
            h.segment.text for j in self.journeys for h in j.headers(syntax.EnterSegment)
        }
        self.rules, self.listed = (
            Rules([n for n in self.tale.nodes if isinstance(n, syntax.Policy)]),
            Listed(),
        )
        self.contents = contents(self.tale.of_kind("message"), self.tale.of_kind("topic"))
        nodes = [n for n in self.tale.nodes if isinstance(n, syntax.Fragment)]
        self.fragments = {n.name.text: n for n in nodes}
        self.events = {n.name.text: events_in(n, self.conditions) for n in segments}
        happenings = [h for c in self.tale.customers for h in c.happenings]
        self.happens = {at for h in happenings for at in (h.arrives, h.at)}
        self.changes = {x.at for c in self.tale.customers for x in c.changes}
        self.world = World(self.now, (), self.conditions, self.measures)

    # --- reading ---

    def zone(self, life: Life, journey: Journey | None) -> str:
        """S4: the customer's, else the journey's, else the project's."""
        if zone_exists(life.fields["timezone"]):
            return str(life.fields["timezone"])
        own = journey.settings.get("timezone") if journey else None
        return own.value if own else self.tale.zone

    def row(
        self,
        life: Life,
        journey: Journey | None,
        trigger: Occurrence | None = None,
        event: Occurrence | None = None,
    ) -> Row:
        zone = self.zone(life, journey)
        key = (life.customer.id, zone)
        if key not in self.views:
            events = tuple(occurrence_of(h) for h in life.arrived if h.at <= self.now)
            consents = dict(life.consents)
            self.views[key] = Person(life.customer.id, zone, dict(life.fields), consents, events)
        return Row(self.views[key], event, trigger)

    def holds(self, node: Any, life: Life, passage: Passage, event: Any = None) -> bool:
        row = self.row(life, passage.journey, passage.trigger, event)
        return node is None or self.world.holds(node, self._inside(row, life, passage))

    def value(self, node: Any, life: Life, passage: Passage) -> Any:
        row = self.row(life, passage.journey, passage.trigger)
        return self.world.value(node, self._inside(row, life, passage))

    def _inside(self, row: Row, life: Life, passage: Passage) -> Row:
        return replace(row, entry=passage.entry, results=self._results(life, passage))

    def _forget_view(self, life: Life) -> None:
        for key in [key for key in self.views if key[0] == life.customer.id]:
            del self.views[key]

    # --- steps ---

    def _do(self, step: Any, life: Life, passage: Passage) -> None:
        match step:
            case syntax.Send() | Released():
                self._send(step, life, passage)
            case Held():
                passage.rest, passage.due = step, step.until
            case syntax.If():
                taken = [b.steps for b in step.branches if self.holds(b.condition, life, passage)]
                passage.todo = (*[*taken, step.otherwise][0], *passage.todo)
            case syntax.Switch():
                passage.todo = (*self._case(step, life, passage), *passage.todo)
            case syntax.Split():
                passage.todo = (*split_steps(step, life.customer.id), *passage.todo)
            case syntax.End():
                outcome = step.outcome.text if step.outcome else "completed"
                passage.ended = (self.now, outcome, "end")
            case syntax.Set() | syntax.Emit() | syntax.Do():
                self._tell(step, life, passage)
            case syntax.Run() | syntax.Repeat() | Turn() | Tail():
                passage.todo = (*self._inner(step, life, passage), *passage.todo)
            case _:
                self._rest(step, life, passage)

    def _inner(self, step: Any, life: Life, passage: Passage) -> tuple[Any, ...]:
        """Return what a fragment or a loop puts in front of the steps ahead."""
        match step:
            case syntax.Run():
                return unfolded(step, self.fragments[step.fragment.text])
            case syntax.Repeat():
                return (Turn(step, 0),)
            case Turn(loop=loop, number=number):
                if loop.until is None or not self.holds(loop.until, life, passage):
                    return (*loop.steps, Tail(loop, number))
            case Tail(loop=loop, number=number) if number + 1 < loop.times:
                pause = [Pause(loop)] * (loop.every is not None)
                return (*pause, Turn(loop, number + 1))
        return ()

    def _tell(self, step: Any, life: Life, passage: Passage) -> None:
        """Do what is told to the store, to other journeys, or to the outside."""
        ways: dict[type, Any] = {
            syntax.Set: self._set,
            syntax.Emit: self._raise,
            syntax.Do: self._call,
        }
        ways[type(step)](step, life, passage)

    def _set(self, step: syntax.Set, life: Life, passage: Passage) -> None:
        """S9: what a held-out customer would write stays unwritten."""
        if not passage.is_held_out:
            life.fields[step.field.text] = self.value(step.value, life, passage)
            self.is_dirty = True
            self._forget_view(life)

    def _raise(self, step: syntax.Emit, life: Life, passage: Passage) -> None:
        if passage.is_held_out:
            return
        self.raised += 1
        given = {s.key.text: self.value(s.value, life, passage) for s in step.settings}
        happening = Happening(self.now, self.now, step.event.text, 10**6 + self.raised, given)
        life.arrived.append(happening)
        life.raised.append(occurrence_of(happening))
        self._forget_view(life)

    def _rest(self, step: Any, life: Life, passage: Passage) -> None:
        zone = self.zone(life, passage.journey)
        at = due(step, self.now, zone, lambda node: self.value(node, life, passage))
        # S12: a past instant goes on at once.
        if at > self.now or not isinstance(step, syntax.WaitUntil):
            passage.rest, passage.due = step, at

    def _case(self, step: syntax.Switch, life: Life, passage: Passage) -> syntax.Steps:
        value = self.value(step.value, life, passage)
        for case in step.cases:
            items = [self.value(item, life, passage) for item in case.values]
            if value is not None and value in items:
                return case.steps
        return step.otherwise

    def _send(self, step: syntax.Send | Released, life: Life, passage: Passage) -> None:
        """S9, S16, S20: the checks in their order."""
        since, step = (step.since, step.send) if isinstance(step, Released) else (None, step)
        assert step.label is not None and step.channel is not None
        content, channel = self.contents[step.messages[0].text], step.channel.text
        zone = self.zone(life, passage.journey)
        outcome, reason = "delivered", ""
        if passage.is_held_out:
            outcome, reason = "withheld", "in the holdout group"
        elif refusal := self._refusal(step, since, life, passage):
            outcome, reason = refusal
        elif full := [c for c in self._caps(step) if c.is_full(life.messages, self.now, zone)]:
            outcome, reason = "capped", f"{full[0].words} (policy {full[0].policy})"
        language = passage.journey.settings.get("language")
        locale = self.value(language, life, passage) if language else life.fields["language"]
        given = tuple(
            (s.key.text, as_shown(self.value(s.value, life, passage), zone)) for s in step.settings
        )
        address = life.fields[ADDRESS[channel]]
        said = (outcome, reason, channel, content.topic, address, locale, given)
        passage.messages.append(Message(self.now, step.label.text, *said))

    def _call(self, step: syntax.Do, life: Life, passage: Passage) -> None:
        """A call needs no consent and has no hours: it is no message."""
        assert step.label is not None
        outcome, reason = "delivered", ""
        if passage.is_held_out:
            outcome, reason = "withheld", "in the holdout group"
        zone = self.zone(life, passage.journey)
        given = tuple(
            (s.key.text, as_shown(self.value(s.value, life, passage), zone)) for s in step.settings
        )
        said = (outcome, reason, CALL, "", None, None, given)
        passage.messages.append(Message(self.now, step.label.text, *said))

    def _results(self, life: Life, passage: Passage) -> dict[str, dict[str, Any]]:
        """Return the latest of each value that calls of a passage have given back, by step."""
        found: dict[str, dict[str, Any]] = {}
        for h in sorted(life.arrived, key=lambda h: (h.at, h.seq)):
            call = life.about.get(h.seq)
            if call in passage.messages and h.at <= self.now:
                known = {name: value for name, value in h.fields.items() if value is not None}
                found.setdefault(call.step, {}).update(known)
        return found

    def _refusal(
        self, step: syntax.Send, since: datetime | None, life: Life, passage: Passage
    ) -> tuple[str, str] | None:
        """S16: what is against a message whatever the hour, with its reason."""
        assert step.channel is not None
        content, channel = self.contents[step.messages[0].text], step.channel.text
        address = life.fields[ADDRESS[channel]]
        if since and content.expires and self._expiry(step, since, life, passage) <= self.now:
            return "expired", f"it was valid for {content.validity}"
        if content.needs_consent and not life.consents[content.topic, channel]:
            return "no_consent", f"no consent to {content.topic} by {channel}"
        if self.listed.has(channel, life.customer.id, address):
            return "suppressed", "on the suppression list"
        for policy, condition in self.rules.never(channel):
            if self.world.holds(condition, self.row(life, passage.journey)):
                return "suppressed", f"never (policy {policy})"
        if not address:
            return "no_address", f"the customer has no {ADDRESS[channel]}"
        return None

    def _expiry(self, step: syntax.Send, since: datetime, life: Life, passage: Passage) -> datetime:
        expires = self.contents[step.messages[0].text].expires
        found = stepped(since, expires, 1, self.zone(life, passage.journey)) if expires else None
        return found if isinstance(found, datetime) else datetime.max

    def _caps(self, step: syntax.Send) -> list[Cap]:
        assert step.channel is not None
        topic = self.contents[step.messages[0].text].topic
        return [cap for cap in self.rules.caps if cap.is_of(step.channel.text, topic)]

    def _held_back(self, step: Any, life: Life, passage: Passage) -> Any:
        """S17, S18: what keeps a message that nothing is against; a held-out one waits as long."""
        send, since = (step.send, step.since) if isinstance(step, Released) else (step, None)
        if not isinstance(send, syntax.Send) or self._refusal(send, since, life, passage):
            return step
        zone, topic = self.zone(life, passage.journey), self.contents[send.messages[0].text].topic
        released = Released(send, since or self.now)
        expiry = self._expiry(send, released.since, life, passage)
        if topic != EXEMPT and self.rules.is_quiet(self.now, zone):
            until = self.rules.quiet_until(self.now, zone)
            return Held(released, "quiet hours", min(until, expiry))
        full = [c for c in self._caps(send) if c.is_full(life.messages, self.now, zone)]
        if full and all(cap.waits for cap in full):
            return Held(
                released, "a cap", min(full[0].frees(life.messages, self.now, zone), expiry)
            )
        return step

    def _end(self, passage: Passage, state: str, why: str) -> None:
        passage.visits.append((self.now, state, why))
        cause, _, name = state.partition(":")
        outcome = {"goal": "converted", "exit": name.split(" #")[0]}.get(cause, state)
        passage.ended = (self.now, outcome, cause if name else "end")
        passage.rest, passage.due, passage.todo = None, None, ()

    # --- what is said from outside, and what data says ---

    def _stop(self, name: str) -> None:
        """All who are inside leave at once, and nobody waits any more."""
        self.doors[name].stopped_at = self.now
        self.paused.discard(name)
        for life in self.lives:
            for passage in life.passages.get(name, []):
                if not passage.ended:
                    passage.ended = (self.now, "stopped", "stopped")
                    passage.rest, passage.due, passage.todo = None, None, ()

    def _change(self, life: Life, before: datetime) -> None:
        for change in life.customer.changes:
            if before < change.at <= self.now:
                life.fields |= change.fields
                life.consents |= change.consents
