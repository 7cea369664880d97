"""The stage of a story: a store in memory, customers, events and time.

At one instant events come first and due timers second (S13). So `after` stops right before the
timers of its instant, and every expectation settles them first.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cij.compiler import story as st
from cij.compiler.expression import Constant
from cij.compiler.program import Journey, Program, WaitState
from cij.compiler.sql import Statement, query
from cij.compiler.sql.entities import KEY as ROW_KEY, entity_table
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.outbox import KEY
from cij.compiler.sql.unify import consent_columns, consent_name
from cij.compiler.types import list_items
from cij.runtime import zones
from cij.runtime.clock import SimulatedClock
from cij.runtime.engine import Row
from cij.runtime.event_values import Unfit, read_value
from cij.runtime.refresh import take_in
from cij.runtime.segments import data_changed
from cij.runtime.simulate import run_while
from cij.runtime.story import story_clock
from cij.runtime.story.verdict import Finding
from cij.runtime.world import World

_LAST_KEY = query(
    "SELECT {key} FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect "
    "WHERE o.customer = $customer AND e.step = $step "
    "AND o.outcome = 'delivered' ORDER BY o.created_at DESC NULLS LAST, o.passage DESC NULLS LAST "
    "LIMIT 1",
    key=KEY,
)


_DUE_STATES = query(
    "SELECT p.state FROM passage_row AS p WHERE p.customer = $customer "
    "AND p.ended_at IS NULL AND p.wake_at <= $now"
)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the story, for the trace."""

    at: datetime
    customer: str
    words: str


@dataclass(slots=True)
class Stage:
    """The state of a story.

    `expected` has the effect, passage and iteration of messages that earlier lines have matched.
    `quiet_at` is the instant up to which nothing is due any more; None after a change.
    """

    world: World
    clock: SimulatedClock
    journey: Journey
    customers: set[str] = field(default_factory=set)
    happened: list[Happened] = field(default_factory=list)
    expected: set[tuple[int, int, int]] = field(default_factory=set)
    quiet_at: datetime | None = None

    @property
    def program(self) -> Program:
        return self.world.program

    @property
    def zone(self) -> str:
        """The zone of all times in the story."""
        return self.program.timezone

    def shown(self, at: datetime) -> str:
        return story_clock.shown(at, self.zone)

    def rows(self, statement: Statement, **parameters: object) -> list[Row]:
        return self.world.engine.rows(statement, parameters)

    # --- time ---

    def settle(self) -> None:
        """Run all ticks that are due up to now, now included."""
        now = self.clock.now()
        if self.quiet_at != now:
            self._run(lambda at: at <= now)
            self.quiet_at = now

    def after(self, statement: st.After) -> None:
        """Advance the clock by a period and run the ticks in it. Those at its end are left to the
        next statement where an event follows on the same line."""
        end = story_clock.later(self.clock.now(), statement.period, self.zone)
        self._run(lambda at: at < end)
        self.clock.advance_to(end)
        if not statement.is_joined:
            self.settle()

    def down(self, statement: st.Down) -> None:
        """Advance the clock by a period without any tick, as if nothing ran; then tick."""
        self.settle()
        self.clock.advance_to(story_clock.later(self.clock.now(), statement.period, self.zone))
        self.settle()

    def _run(self, is_wanted: Callable[[datetime], bool]) -> None:
        run_while(self.world, self.clock, is_wanted, lambda at: None)

    # --- customers ---

    def given(self, statement: st.Given) -> Finding | None:
        """Add a customer or change one. Return a finding where a value does not fit its type."""
        try:
            values = self._values(statement.fields)
        except Unfit as error:
            return Finding(str(error))
        if statement.customer in self.customers:
            self._change(statement, values)
        else:
            self._bring(statement, values)
        data_changed(self.world)
        self.quiet_at = None
        return None

    def given_row(self, statement: st.GivenRow) -> Finding | None:
        """Add a row of an entity, or replace the one with its key."""
        try:
            values = self._values(statement.fields)
        except Unfit as error:
            return Finding(str(error))
        entity = next(e for e in self.program.entities if e.name == statement.entity)
        row = dict.fromkeys(f.name for f in entity.fields) | {ROW_KEY: statement.key, **values}
        gone = query("DELETE FROM {t} WHERE {k} = $key", t=entity_table(entity.name), k=ROW_KEY)
        self.world.engine.execute(gone, {"key": statement.key})
        self.world.engine.append(
            entity_table(entity.name), {name: [value] for name, value in row.items()}
        )
        data_changed(self.world)
        self.quiet_at = None
        return None

    def _values(self, fields: dict[str, Constant]) -> dict[str, object]:
        return {
            name: read_value(f"`{name}`", constant.type, _plain(constant), self.zone)
            for name, constant in fields.items()
        }

    def _bring(self, statement: st.Given, values: dict[str, object]) -> None:
        defaults = {consent_name(t, c): default for t, c, default in consent_columns(self.program)}
        row = {"id": statement.customer, "zone": self._zone_of(values), **values}
        row |= defaults | self._consents(statement)
        self.world.engine.append("customer", {name: [value] for name, value in row.items()})
        self.customers.add(statement.customer)

    def _change(self, statement: st.Given, values: dict[str, object]) -> None:
        row = values | self._consents(statement)
        if "timezone" in values:
            row["zone"] = self._zone_of(values)
        for name, value in row.items():
            change = query("UPDATE customer SET {name} = $value WHERE id = $id", name=name)
            self.world.engine.execute(change, {"value": value, "id": statement.customer})

    def _consents(self, statement: st.Given) -> dict[str, object]:
        found: dict[str, object] = {}
        for consent in statement.consents:
            for topic, channel, _ in consent_columns(self.program):
                if topic == consent.topic and consent.channel in (None, channel):
                    found[consent_name(topic, channel)] = consent.is_granted
        return found

    def _zone_of(self, values: dict[str, object]) -> str:
        # The zone of the journey is not considered here: its plan does that (S4).
        own = values.get("timezone")
        if not isinstance(own, str) or not zones.is_zone(own):
            return self.zone
        zones.ensure(self.world.engine, [own])
        return own

    # --- events ---

    def happens(self, statement: st.Happens) -> Finding | None:
        """Append an event at this instant.

        Return a finding where it cannot happen or is refused.
        """
        key = self._key(statement)
        if key is None and statement.of is not None:
            is_call = statement.event.endswith(".done")
            verb = "called for them" if is_call else "sent to them"
            found = f"`{statement.of}` was not {verb}, so this cannot happen"
            return Finding(found)
        row: dict[str, object] = {
            "event": statement.event,
            "customer": statement.customer,
            "at": self.clock.now(),
            "id": f"{statement.place}",
            "fields": {k: _plain(v) for k, v in statement.fields.items() if k != "channel"},
        }
        if key is not None:
            row["message_key"] = key
        if "channel" in statement.fields:
            row["channel"] = statement.fields["channel"].value
        refused = take_in(self.world.engine, self.program, [row], self.clock.now()).refused
        self.quiet_at = None
        if refused:
            return Finding(refused[0].reason)
        # An author writes `done(call)` for the event of a finished action.
        word = statement.event.rpartition(".")[2] if statement.of else statement.event
        words = word + (f"({statement.of})" if statement.of else "")
        self.happened.append(Happened(self.clock.now(), statement.customer, words))
        return None

    def _key(self, statement: st.Happens) -> str | None:
        """Return the key of the customer's latest message of a step; None where none was sent."""
        if statement.of is None:
            return None
        parameters = {"customer": statement.customer, "step": statement.of}
        found = self.rows(_LAST_KEY, **parameters)
        if not found or self._is_about_to_do(statement):
            # This message, or the one of the next iteration, may be due at this instant.
            self.settle()
            found = self.rows(_LAST_KEY, **parameters)
        return str(found[0][0]) if found else None

    def _is_about_to_do(self, statement: st.Happens) -> bool:
        """Tell whether the customer moves on at this instant from where they wait for no such event.

        What they wait for comes before what is due at the same instant (S13).
        """
        parameters = {"customer": statement.customer, "now": self.clock.now()}
        due = {state for (state,) in self.rows(_DUE_STATES, **parameters)}
        waits = (s for s in self.journey.states if isinstance(s, WaitState))
        return any(
            number_of(state.id) in due and all(a.of != statement.of for a in state.awaits)
            for state in waits
        )


def _plain(constant: Constant) -> object:
    value = constant.value
    return list_items(str(value)) if constant.type.kind == "list" else value
