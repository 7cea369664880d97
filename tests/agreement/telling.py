"""Journeys told a second time: S4 to S23 by the letter, one customer at a time.

    Telling(tale, looks).lines()

It walks the syntax tree of the journey step by step, event by event, with Python's own calendar,
and shares no code with lowering, plan or SQL. Conditions are those of `reference_evaluator`.
"""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from cij.grammar import syntax
from tests.agreement.loops import name_of
from tests.agreement.passages import CALL, Journey, Life, Passage, lines
from tests.agreement.peopling import DONE
from tests.agreement.queueing import Queue, Waiting
from tests.agreement.reading import arms, as_text, exit_state, is_within, occurrence_of
from tests.agreement.tale import Happening
from tests.agreement.walking import Walking
from tests.reference_evaluator import Occurrence, World, stepped


@dataclass
class Telling(Walking):
    """Instant by instant, and at each instant customer by customer."""

    # --- time ---

    def tell(self) -> dict[str, list[str]]:
        """Return the trace of each customer."""
        self.moment(self.tale.start)
        while (at := self._next()) is not None and at <= self.tale.end:
            self.moment(at)
        return {life.customer.id: list(lines(life)) for life in self.lives}

    def _next(self) -> datetime | None:
        found = [*self.happens, *self.changes, *(order.at for order in self.tale.orders)]
        found += [p.due for life in self.lives for p in life.all if p.due and not p.ended]
        found += [self._next_look(name) for name in self.entered]
        found += [at for door in self.doors.values() for at in door.instants]
        found += [at for q in self.queues.values() if (at := q.looks(self.now)) is not None]
        return min((at for at in found if at > self.now), default=None)

    def moment(self, now: datetime) -> None:
        """Do all that happens at one instant, until nothing more is raised or written."""
        before, self.now = self.now, now
        self.world = World(now, (), self.conditions, self.measures)
        self.views.clear()
        for life in self.lives:
            self._change(life, before)
            self._arrive(life, before)
        self.is_dirty = now in self.changes
        is_refreshed, is_first = self.is_dirty, True
        self._obey()
        while True:
            self._take_in()
            self._settle(is_refreshed, is_first)
            is_refreshed = is_first = False
            if not self.is_dirty and not any(life.raised for life in self.lives):
                return

    def _settle(self, is_refreshed: bool, is_first: bool) -> None:
        is_dirty, self.is_dirty = self.is_dirty, False
        joined = self._look(is_dirty, is_first)
        for life in self.lives:
            if is_refreshed:
                self._new_data(life)
            if is_dirty:
                self._watch(life)
                self._go(life)
            self._join(life, joined[life.customer.id], is_first)
        for queue in self.queues.values():
            self._let_in(queue)
        for life in self.lives:
            self._timers(life)

    # --- what is said from outside ---

    def _obey(self) -> None:
        """S22, S23."""
        for order in self.tale.orders:
            if order.at == self.now and self.doors[order.journey].stopped_at is None:
                {"pause": self.paused.add, "resume": self._resume, "stop": self._stop}[order.word](
                    order.journey
                )

    def _resume(self, name: str) -> None:
        """What fell into the pause ends the waits now, in the order of its times."""
        self.paused.discard(name)
        for life in self.lives:
            fresh, missed = life.ahead, self.missed.pop((name, life.customer.id), [])
            life.ahead = sorted(missed, key=lambda e: (e.at, e.seq))
            while life.ahead:
                event = life.ahead.pop(0)
                for passage in life.passages.get(name, []):
                    if not passage.ended and self._reaches(passage, event):
                        self._wake_by(life, passage, event)
                self._go(life)
            life.ahead = fresh

    def _arrive(self, life: Life, before: datetime) -> None:
        for happening in life.customer.happenings:
            if before < happening.arrives <= self.now:
                life.arrived.append(happening)
                self._note(life, happening)
                about = life.about.get(happening.seq)
                self.listed.follow(happening, life.customer.id, about, life.fields)
        fresh = [
            h for h in life.arrived if h.at <= self.now and (h.arrives > before or h.at > before)
        ]
        life.ahead = [occurrence_of(h) for h in sorted(fresh, key=lambda h: (h.at, h.seq))]

    # --- events ---

    def _take_in(self) -> None:
        """Do what each event does; what it raises comes after, and is not yet ahead.

        Customers meet only in front of a journey with a limit, where they come one event each.
        """
        for life in self.lives:
            life.ahead, life.raised = [*life.ahead, *life.raised], []
            life.active = {event.event for event in life.ahead}
        while moving := [life for life in self.lives if life.ahead]:
            for life in moving:
                event = life.ahead.pop(0)
                life.taken.append(event)
                for passage in [p for journey in self.journeys for p in life.of(journey)]:
                    self._react(life, passage, event)
                self._go(life)
                self._leave_queues(life, event)
            for life in moving:
                for journey in self.journeys:
                    self._enter_on(life, journey, life.taken[-1])
            for queue in self.queues.values():
                self._let_in(queue)
            for life in moving:
                self._go(life)

    def _note(self, life: Life, happening: Happening) -> None:
        if happening.about is not None:
            sent = sorted(
                (m.at, p.journey.name, m.step, p.number, m)
                for p in life.all
                for m in p.messages
                if m.outcome == "delivered" and m.at < self.now
                if (m.channel == CALL) == (happening.name == DONE)
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
        if passage.journey.name in self.paused:
            missed = self.missed.setdefault((passage.journey.name, life.customer.id), [])
            missed += [event] * (event not in missed)
        elif not passage.ended and self._reaches(passage, event):
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
        if passage.rest is None:
            return
        found = self._candidates(life, passage, [event, *life.ahead])
        if found and found[0][2] == event.seq:
            self._wake_at(life, passage, found[0][1], event, event.event)

    def _candidates(
        self, life: Life, passage: Passage, events: list[Occurrence]
    ) -> list[tuple[datetime, int, int]]:
        """Return when, which arm, which event; a condition is tested by the first of the events."""
        assert passage.due is not None
        return sorted(
            (event.at, number, event.seq)
            for number, (pattern, condition, _) in enumerate(arms(passage.rest))
            for event in (events if pattern else events[:1])
            if event.at <= passage.due and self._reaches(passage, event)
            if self._matches(life, passage, pattern, event)
            if self.holds(condition, life, passage)
        )

    def _matches(
        self, life: Life, passage: Passage, pattern: syntax.Pattern | None, event: Occurrence
    ) -> bool:
        if pattern is None:
            return True
        if event.event != (DONE if pattern.event.text == "done" else pattern.event.text):
            return False
        if pattern.label is not None:
            # In a loop the message is that of the same turn.
            sent = [m for m in passage.messages if m.step == pattern.label.text]
            if not sent or life.about.get(event.seq) is not sent[-1]:
                return False
        elif event.at < passage.counts_from or event.seq == passage.woken_by:
            return False
        return self.holds(pattern.where, life, passage, event)

    def _wake_at(
        self, life: Life, passage: Passage, number: int, event: Occurrence, why: str
    ) -> None:
        steps = arms(passage.rest)[number][2]
        passage.counts_from = max(passage.counts_from, event.at)
        passage.woken_by = event.seq
        self._wake(life, passage, steps, why)

    def _came_before(self, life: Life, passage: Passage) -> None:
        """S13: an interaction counts from the sending of its message, also before the wait."""
        labelled = [p for p, *_ in arms(passage.rest) if p is not None and p.label is not None]
        past = [e for e in life.taken if any(self._matches(life, passage, p, e) for p in labelled)]
        if not past:
            return
        found = self._candidates(life, passage, [*past, *life.ahead])
        for _, number, seq in found[:1]:
            event = next((e for e in past if e.seq == seq), None)
            if event is not None and arms(passage.rest)[number][0] in labelled:
                self._wake_at(life, passage, number, event, "came before")

    def _watch(self, life: Life) -> None:
        """Conditions of waits are tested when data changed."""
        for passage in [p for p in life.all if p.journey.name not in self.paused]:
            for pattern, condition, steps in arms(passage.rest):
                if pattern is None and self.holds(condition, life, passage):
                    passage.counts_from, passage.woken_by = self.now, None
                    self._wake(life, passage, steps, "condition")
                    break

    def _timers(self, life: Life) -> None:
        """Who enters goes at one time with those whose timer is over."""
        while True:
            for passage in [p for p in life.all if p.journey.name not in self.paused]:
                if not passage.ended and passage.due and passage.due <= self.now:
                    passage.counts_from, passage.woken_by = self.now, None
                    self._time_out(life, passage)
            if not life.woken:
                return
            self._go(life)

    def _time_out(self, life: Life, passage: Passage) -> None:
        otherwise = getattr(passage.rest, "otherwise", ())
        self._wake(life, passage, otherwise, "timer")

    # --- entering ---

    def _enter_on(self, life: Life, journey: Journey, event: Occurrence) -> None:
        door = self.doors[journey.name]
        if event.at < door.opens or not door.is_open(self.now):
            return
        row = self.row(life, journey, None, event)
        for header in journey.headers(syntax.EnterOn):
            where = header.pattern.where
            is_this = header.pattern.event.text == event.event
            if is_this and (where is None or self.world.holds(where, row)):
                key = as_text(event.fields[journey.per]) if journey.per else ""
                self._come(journey, Waiting(life, key, event.at, self.now, event))
                return

    def _look(self, is_dirty: bool, is_first: bool) -> dict[str, list[str]]:
        """Look at the segments: for everybody when their time has come or somebody was changed,
        else for those who had an event. Return what each customer joined.
        """
        joined: dict[str, list[str]] = {life.customer.id: [] for life in self.lives}
        wanted = {s for d in self.doors.values() if self.now in d.instants for s in d.segments}
        for name in sorted(self.entered):
            is_due = (
                (is_first and name in wanted)
                or name not in self.looked
                or self.now >= self._next_look(name)
            )
            if is_due or is_dirty:
                self.looked[name] = self.now
            for life in self.lives:
                if is_due or is_dirty or life.active & self.events[name]:
                    joined[life.customer.id] += self._member(life, name)
        return joined

    def _member(self, life: Life, name: str) -> list[str]:
        """Look whether a customer is in a segment; return it if he joined."""
        is_in, was_in = self.world.is_in(name, self.row(life, None)), name in life.segments
        (life.segments.add if is_in else life.segments.discard)(name)
        return [name] if is_in and not was_in else []

    def _next_look(self, name: str) -> datetime:
        return self.looked[name] + self.refresh[name]

    def _join(self, life: Life, joined: list[str], is_first: bool) -> None:
        """S6: who joins, who is in at the journey's start, all who are in when they are called."""
        for journey in self.journeys:
            door = self.doors[journey.name]
            is_start = is_first and self.now == door.opens
            for header in journey.headers(syntax.EnterSegment):
                name = header.segment.text
                if header.every is not None:
                    comes = is_first and door.is_called(header, self.now) and name in life.segments
                elif is_start:
                    comes = name in life.segments
                else:
                    comes = name in joined and not header.is_once
                if comes and door.is_open(self.now):
                    self._come(journey, Waiting(life, "", self.now, self.now, None, name))

    def _come(self, journey: Journey, comer: Waiting) -> None:
        self.comers.setdefault(journey.name, []).append(comer)

    def _let_in(self, queue: Queue) -> None:
        """Have those enter who came and who waited, in order, while there is room."""
        queue.add(self.comers.pop(queue.journey.name, []))
        if not self.doors[queue.journey.name].is_open(self.now):
            queue.line.clear()
        if queue.journey.name in self.paused:
            return
        while queue.line and queue.has_room(self.now):
            first = queue.line.pop(0)
            if self._may_enter(queue.journey, first):
                queue.entered.append(self.now)
                at = first.at if first.since == self.now else self.now
                self._admit(first.life, queue.journey, first.trigger, first.key, at)

    def _leave_queues(self, life: Life, event: Occurrence) -> None:
        """Who does what a goal or an exit is on before he is in is turned away."""
        for queue in self.queues.values():
            mine = [w for w in queue.line if w.life is life and event.at >= w.at]
            queue.leave([w for w in mine if self._is_over(queue, w, event)])

    def _is_over(self, queue: Queue, waiting: Waiting, event: Occurrence) -> bool:
        passage = queue.passage(waiting, self.now)
        goals, exits = queue.journey.goals, queue.journey.exits
        patterns = [*(g.pattern for g in goals if not g.is_stay), *(e.pattern for e in exits)]
        return any(p and self._fits(p, waiting.life, passage, event) for p in patterns)

    def _may_enter(self, journey: Journey, comer: Waiting) -> bool:
        life = comer.life
        if comer.segment is not None and comer.segment not in life.segments:
            return False
        before = [p for p in life.of(journey) if p.key == comer.key or not journey.per]
        if any(self._blocks(p, life) for p in before):
            return False
        suppress = journey.settings.get("suppress")
        return suppress is None or not self.world.holds(suppress, self.row(life, journey))

    def _admit(
        self, life: Life, journey: Journey, trigger: Occurrence | None, key: str, at: datetime
    ) -> None:
        number = len(life.of(journey)) + 1
        share = journey.settings.get("holdout")
        is_held_out = share is not None and is_within(
            f"holdout {journey.name}", life.customer.id, Fraction(0), Fraction(share.value) / 100
        )
        passage = Passage(journey, number, trigger, key, self.now, at, is_held_out, ())
        passage.entered_from = at
        passage.entry = self.row(life, journey).person
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

    def _held_arm(self, step: Any, life: Life, passage: Passage) -> syntax.Steps | None:
        """Return what follows a condition of a wait that holds when the wait would begin."""
        for pattern, condition, steps in arms(step):
            if pattern is None and self.holds(condition, life, passage):
                return steps
        return None

    def _wake(self, life: Life, passage: Passage, steps: syntax.Steps, why: str) -> None:
        passage.todo = (*steps, *passage.todo)
        passage.rest, passage.due = None, None
        life.woken.append((passage, why))

    def _go(self, life: Life) -> None:
        """S18: all who are woken at once go on, first those of the journey that comes first."""
        while life.woken:
            self._walk(life, *life.foremost())

    def _walk(self, life: Life, passage: Passage, why: str) -> None:
        """S8, S10: goals and exits by condition, then all steps up to the next wait."""
        if (state := self._gone(life, passage)) is not None:
            return self._end(passage, state, why)
        while passage.todo and passage.rest is None:
            step, *rest = passage.todo
            passage.todo = tuple(rest)
            arm = self._held_arm(step, life, passage)
            if arm is not None:
                passage.todo = (*arm, *passage.todo)
                continue
            step = self._held_back(step, life, passage)
            if (name := name_of(step)) is not None:
                passage.visits.append((self.now, name, why))
                why = ""
            self._do(step, life, passage)
            why = "timer" if isinstance(step, syntax.WaitUntil) else why
            if passage.ended:
                return None
        if passage.rest is not None:
            return self._came_before(life, passage)
        return self._end(passage, "completed", why)

    def _gone(self, life: Life, passage: Passage) -> str | None:
        """Return the goal or exit by condition that takes out who wakes."""
        reached = [g for g in passage.journey.goals if self._reach_now(g, life, passage)]
        for goal in reached:
            if not goal.is_stay:
                return f"goal:{goal.name.text}"
        for n, leave in enumerate(passage.journey.exits):
            if leave.condition is not None and self.holds(leave.condition, life, passage):
                return exit_state(passage.journey, n)
        return None
