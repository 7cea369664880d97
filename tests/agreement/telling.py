"""Journeys told a second time: S4 to S20 by the letter, one customer at a time.

    Telling(tale, looks).lines()

It walks the syntax tree of the journey step by step, event by event, with Python's own calendar,
and shares no code with lowering, plan or SQL. Conditions are those of `reference_evaluator`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from cij.grammar import syntax
from tests.agreement.deadlines import due
from tests.agreement.passages import Journey, Life, Message, Passage, lines
from tests.agreement.reading import (
    arms,
    as_shown,
    as_text,
    clauses,
    exit_state,
    is_within,
    occurrence_of,
    refresh,
    setting,
    split_steps,
    zone_exists,
)
from tests.agreement.tale import Happening, Tale
from tests.reference_evaluator import Occurrence, Person, Row, World, stepped

_TOPICS = {"hello": "news", "text": "news", "code": None}


@dataclass
class Telling:
    """One tale.

    `looks` are the instants at which anything happened or changed for anybody, `changes` those at
    which the data of anybody did.
    """

    tale: Tale
    looks: Collection[datetime]
    changes: Collection[datetime] = ()
    now: datetime = datetime.min
    lives: list[Life] = field(default_factory=list)
    looked: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.journeys = [Journey(n) for n in self.tale.nodes if isinstance(n, syntax.Journey)]
        self.lives = [Life(c, dict(c.fields), dict(c.consents)) for c in self.tale.customers]
        segments = self.tale.of_kind("segment")
        self.conditions = {n.name.text: clauses(n) for n in segments}
        self.refresh = {n.name.text: refresh(n) for n in segments}
        measures = self.tale.of_kind("measure")
        self.measures = {n.name.text: setting(n, "value") for n in measures}
        self.entered = {
            h.segment.text for j in self.journeys for h in j.headers(syntax.EnterSegment)
        }
        self.world = World(self.now, (), self.conditions, self.measures)

    # --- time ---

    def tell(self) -> dict[str, list[str]]:
        """Return the trace of each customer."""
        self.moment(self.tale.start)
        while (at := self._next()) is not None and at <= self.tale.end:
            self.moment(at)
        return {life.customer.id: list(lines(life)) for life in self.lives}

    def _next(self) -> datetime | None:
        found = [p.due for life in self.lives for p in life.all if p.due and not p.ended]
        for life in self.lives:
            found += [h.arrives for h in life.customer.happenings]
            found += [h.at for h in life.customer.happenings]
            found += [c.at for c in life.customer.changes]
        if self.entered:
            found += self.looks
            found += [self._next_look(name) for name in self.entered]
        return min((at for at in found if at > self.now), default=None)

    def moment(self, now: datetime) -> None:
        """Do all that happens at one instant: changes, events, joining, timers."""
        before, self.now = self.now, now
        self.world = World(now, (), self.conditions, self.measures)
        self.views: dict[tuple[str, str], Person] = {}
        for life in self.lives:
            self._change(life, before)
            self._take_in(life, before)
        joined = self._look()
        for life in self.lives:
            if now in self.changes:
                self._new_data(life)
            self._join(life, joined[life.customer.id])
            self._timers(life)

    def _change(self, life: Life, before: datetime) -> None:
        for change in life.customer.changes:
            if before < change.at <= self.now:
                life.fields |= change.fields

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
        return node is None or self.world.holds(node, row)

    # --- events ---

    def _take_in(self, life: Life, before: datetime) -> None:
        for happening in life.customer.happenings:
            if before < happening.arrives <= self.now:
                life.arrived.append(happening)
                self._arrive(life, happening)
        fresh = [
            h for h in life.arrived if h.at <= self.now and (h.arrives > before or h.at > before)
        ]
        life.ahead = [occurrence_of(h) for h in sorted(fresh, key=lambda h: (h.at, h.seq))]
        while life.ahead:
            event = life.ahead.pop(0)
            life.taken.append(event)
            for journey in self.journeys:
                for passage in [*life.of(journey)]:
                    self._react(life, passage, event)
                self._enter_on(life, journey, event)

    def _arrive(self, life: Life, happening: Happening) -> None:
        if happening.about is not None:
            sent = sorted(
                (m.at, p.journey.name, m.step, p.number, m)
                for p in life.all
                for m in p.messages
                if m.outcome == "delivered" and m.at < self.now
            )
            if sent:
                life.about[happening.seq] = sent[happening.about % len(sent)][-1]
        granted = {"subscribed": True, "unsubscribed": False}.get(happening.name)
        if granted is None:
            return
        # S20: an unsubscribe works at once. The latest word counts, of two at once the refusal.
        for topic, channel in life.consents:
            said, by = happening.fields.get("topic"), happening.fields.get("channel")
            if said in (None, topic) and by in (None, channel):
                words = life.words.setdefault((topic, channel), [])
                words.append((happening.at, not granted))
                life.consents[topic, channel] = not max(words)[1]

    def _react(self, life: Life, passage: Passage, event: Occurrence) -> None:
        """S8: goals, then exits, then what the passage waits for."""
        if event.at >= passage.entered_from and event is not passage.trigger:
            reached = [g for g in passage.journey.goals if self._reach(g, life, passage, event)]
            if passage.ended:
                return
            for goal in reached:
                if not goal.is_stay:
                    why = event.event if goal.pattern else goal.name.text
                    return self._end(passage, f"goal:{goal.name.text}", why)
            for n, leave in enumerate(passage.journey.exits):
                if self._is_left(leave, life, passage, event):
                    return self._end(passage, exit_state(passage.journey, n), event.event)
        if not passage.ended and self._reaches(passage, event):
            self._wake_by(life, passage, event)
        return None

    def _reaches(self, passage: Passage, event: Occurrence) -> bool:
        per = passage.journey.per
        if per is None or per not in event.fields:
            return True
        return event.fields[per] is not None and as_text(event.fields[per]) == passage.key

    def _reach(self, goal: syntax.Goal, life: Life, passage: Passage, event: Occurrence) -> bool:
        """Tell whether this event reaches the goal now; a conversion is kept once."""
        if not self._is_open(goal, life, passage, event.at):
            return False
        if goal.pattern is None:
            is_reached = self.holds(goal.condition, life, passage)
        else:
            is_reached = self._fits(goal.pattern, life, passage, event)
        if is_reached:
            passage.conversions[goal.name.text] = event.at
        return is_reached

    def _is_open(self, goal: syntax.Goal, life: Life, passage: Passage, at: datetime) -> bool:
        """Inside its window a goal counts also after the end, without one only before it."""
        if goal.name.text in passage.conversions:
            return False
        if goal.within is None:
            return not passage.ended
        zone = self.zone(life, passage.journey)
        return bool(at <= stepped(passage.entered_from, goal.within, 1, zone))

    def _fits(
        self, pattern: syntax.Pattern, life: Life, passage: Passage, event: Occurrence
    ) -> bool:
        is_this = pattern.event.text == event.event and self._reaches(passage, event)
        return is_this and self.holds(pattern.where, life, passage, event)

    def _is_left(self, leave: syntax.Exit, life: Life, passage: Passage, event: Occurrence) -> bool:
        if leave.pattern is None:
            return self.holds(leave.condition, life, passage)
        return self._fits(leave.pattern, life, passage, event)

    def _new_data(self, life: Life) -> None:
        """Goals by condition that end nothing are also reached by a refresh of the data."""
        for passage in life.all:
            for goal in passage.journey.goals:
                if goal.condition is not None and (goal.is_stay or passage.ended):
                    self._reach_now(goal, life, passage)

    def _reach_now(self, goal: syntax.Goal, life: Life, passage: Passage) -> bool:
        is_open = self._is_open(goal, life, passage, self.now)
        if goal.condition is None or not is_open:
            return False
        is_reached = self.holds(goal.condition, life, passage)
        if is_reached:
            passage.conversions[goal.name.text] = self.now
        return is_reached

    # --- waiting ---

    def _wake_by(self, life: Life, passage: Passage, event: Occurrence) -> None:
        """S13: the earliest event wins, of equal ones the arm written first."""
        found = self._candidates(life, passage, [event, *life.ahead])
        if found and found[0][2] == event.seq:
            self._wake_at(life, passage, found[0][1], event, event.event)

    def _candidates(
        self, life: Life, passage: Passage, events: list[Occurrence]
    ) -> list[tuple[datetime, int, int]]:
        return sorted(
            (event.at, number, event.seq)
            for number, (pattern, _) in enumerate(arms(passage.rest))
            for event in events
            if self._matches(life, passage, pattern, event)
        )

    def _matches(
        self, life: Life, passage: Passage, pattern: syntax.Pattern, event: Occurrence
    ) -> bool:
        if pattern.event.text != event.event or not self._reaches(passage, event):
            return False
        assert passage.due is not None
        if event.at > passage.due:
            return False
        if pattern.label is not None:
            message = life.about.get(event.seq)
            mine = any(message is m for m in passage.messages)
            if not mine or message is None or message.step != pattern.label.text:
                return False
        elif event.at < passage.counts_from or event.seq == passage.woken_by:
            return False
        return self.holds(pattern.where, life, passage, event)

    def _wake_at(
        self, life: Life, passage: Passage, number: int, event: Occurrence, why: str
    ) -> None:
        steps = arms(passage.rest)[number][1]
        passage.counts_from = max(passage.counts_from, event.at)
        passage.woken_by = event.seq
        self._wake(life, passage, steps, why)

    def _came_before(self, life: Life, passage: Passage) -> None:
        """S13: an interaction counts from the sending of its message, also before the wait."""
        labelled = [p for p, _ in arms(passage.rest) if p.label is not None]
        past = [e for e in life.taken if any(self._matches(life, passage, p, e) for p in labelled)]
        found = self._candidates(life, passage, [*past, *life.ahead])
        for _, number, seq in found[:1]:
            pattern = arms(passage.rest)[number][0]
            event = next((e for e in past if e.seq == seq), None)
            if event is not None and pattern.label is not None:
                self._wake_at(life, passage, number, event, "came before")

    def _timers(self, life: Life) -> None:
        for passage in [*life.all]:
            while not passage.ended and passage.due and passage.due <= self.now:
                passage.counts_from, passage.woken_by = self.now, None
                self._time_out(life, passage)

    def _time_out(self, life: Life, passage: Passage) -> None:
        otherwise = getattr(passage.rest, "otherwise", ())
        self._wake(life, passage, otherwise, "timer")

    def _due(self, step: Any, life: Life, passage: Passage) -> datetime:
        row = self.row(life, passage.journey, passage.trigger)
        zone = self.zone(life, passage.journey)
        return due(step, self.now, zone, lambda node: self.world.value(node, row))

    # --- entering ---

    def _enter_on(self, life: Life, journey: Journey, event: Occurrence) -> None:
        if event.at < self.tale.start:
            return
        row = self.row(life, journey, None, event)
        for header in journey.headers(syntax.EnterOn):
            where = header.pattern.where
            is_this = header.pattern.event.text == event.event
            if is_this and (where is None or self.world.holds(where, row)):
                key = as_text(event.fields[journey.per]) if journey.per else ""
                self._admit(life, journey, event, key, event.at)
                return

    def _look(self) -> dict[str, list[str]]:
        """Look at the segments whose time has come; return what each customer joined."""
        joined: dict[str, list[str]] = {life.customer.id: [] for life in self.lives}
        for name in sorted(self.entered):
            if not self._is_look(name):
                continue
            self.looked[name] = self.now
            for life in self.lives:
                is_in = self.world.is_in(name, self.row(life, None))
                if is_in and name not in life.segments:
                    joined[life.customer.id].append(name)
                (life.segments.add if is_in else life.segments.discard)(name)
        return joined

    def _is_look(self, name: str) -> bool:
        return (
            name not in self.looked or self.now in self.looks or self.now >= self._next_look(name)
        )

    def _next_look(self, name: str) -> datetime:
        return self.looked[name] + self.refresh[name]

    def _join(self, life: Life, joined: list[str]) -> None:
        for journey in self.journeys:
            for header in journey.headers(syntax.EnterSegment):
                is_in_time = self.now == self.tale.start or not header.is_once
                if header.segment.text in joined and is_in_time:
                    self._admit(life, journey, None, "", self.now)

    def _admit(
        self, life: Life, journey: Journey, trigger: Occurrence | None, key: str, at: datetime
    ) -> None:
        before = [p for p in life.of(journey) if p.key == key or not journey.per]
        if any(self._blocks(p, life) for p in before):
            return
        suppress = journey.settings.get("suppress")
        if suppress is not None and self.world.holds(suppress, self.row(life, journey)):
            return
        number = len(life.of(journey)) + 1
        share = journey.settings.get("holdout")
        is_held_out = share is not None and is_within(
            f"holdout {journey.name}", life.customer.id, Fraction(0), Fraction(share.value) / 100
        )
        passage = Passage(journey, number, trigger, key, self.now, at, is_held_out, ())
        passage.entered_from = at
        passage.woken_by = trigger.seq if trigger else None
        life.of(journey).append(passage)
        self._wake(life, passage, journey.node.steps, "entered")

    def _blocks(self, passage: Passage, life: Life) -> bool:
        """S7."""
        again = passage.journey.headers(syntax.Again)
        if not again or again[0].rule == "never" or passage.ended is None:
            return True
        if again[0].rule == "always":
            return False
        zone = self.zone(life, passage.journey)
        return bool(stepped(passage.ended[0], again[0].after, 1, zone) > self.now)

    # --- moving ---

    def _wake(self, life: Life, passage: Passage, steps: syntax.Steps, why: str) -> None:
        """S8, S10: goals and exits by condition, then all steps up to the next wait."""
        passage.todo = (*steps, *passage.todo)
        passage.rest, passage.due = None, None
        reached = [g for g in passage.journey.goals if self._reach_now(g, life, passage)]
        for goal in reached:
            if not goal.is_stay:
                return self._end(passage, f"goal:{goal.name.text}", why)
        for n, leave in enumerate(passage.journey.exits):
            if leave.condition is not None and self.holds(leave.condition, life, passage):
                return self._end(passage, exit_state(passage.journey, n), why)
        while passage.todo and passage.rest is None:
            step, *rest = passage.todo
            passage.todo = tuple(rest)
            assert step.label is not None
            passage.visits.append((self.now, step.label.text, why))
            self._do(step, life, passage)
            why = "timer" if isinstance(step, syntax.WaitUntil) else ""
            if passage.ended:
                return None
        if passage.rest is not None:
            return self._came_before(life, passage)
        return self._end(passage, "completed", why)

    def _do(self, step: Any, life: Life, passage: Passage) -> None:
        match step:
            case syntax.Send():
                self._send(step, life, passage)
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
            case _:
                self._rest(step, life, passage)

    def _rest(self, step: Any, life: Life, passage: Passage) -> None:
        due = self._due(step, life, passage)
        if isinstance(step, syntax.WaitUntil) and due <= self.now:
            # S12: a past instant goes on at once.
            return
        passage.rest, passage.due = step, due

    def _case(self, step: syntax.Switch, life: Life, passage: Passage) -> syntax.Steps:
        row = self.row(life, passage.journey, passage.trigger)
        value = self.world.value(step.value, row)
        for case in step.cases:
            items = [self.world.value(item, row) for item in case.values]
            if value is not None and value in items:
                return case.steps
        return step.otherwise

    def _send(self, step: syntax.Send, life: Life, passage: Passage) -> None:
        """S9, S16, S20: the checks in their order."""
        assert step.label is not None and step.channel is not None
        topic, channel = _TOPICS[step.messages[0].text], step.channel.text
        address = {"email": "email", "sms": "phone"}[channel]
        if passage.is_held_out:
            outcome = "withheld"
        elif topic and not life.consents[topic, channel]:
            outcome = "no_consent"
        elif not life.fields.get(address):
            outcome = "no_address"
        else:
            outcome = "delivered"
        row = self.row(life, passage.journey, passage.trigger)
        language = passage.journey.settings.get("language")
        locale = self.world.value(language, row) if language else life.fields["language"]
        zone = self.zone(life, passage.journey)
        given = tuple(
            (s.key.text, as_shown(self.world.value(s.value, row), zone)) for s in step.settings
        )
        passage.messages.append(Message(self.now, step.label.text, outcome, locale, given))

    def _end(self, passage: Passage, state: str, why: str) -> None:
        passage.visits.append((self.now, state, why))
        cause, _, name = state.partition(":")
        outcome = {"goal": "converted", "exit": name.split(" #")[0]}.get(cause, state)
        passage.ended = (self.now, outcome, cause if name else "end")
        passage.rest, passage.due, passage.todo = None, None, ()
