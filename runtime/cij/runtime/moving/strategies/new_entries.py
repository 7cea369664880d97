"""People who have just entered are written once, where they have come to.

Saves one update of every passage that begins: a third of a mass entry. Applies to the last who entered
in a tick, in a journey whose first region reads no passage; with `AT_ONCE_MIN` people or more, who all go
the same way, it leaves out `tick_batch` too. Obsolete where an engine updates rows as cheaply as it
inserts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.sql import Statement
from cij.compiler.sql.derived.new_entries import EntryForm, entry_form, noting_rows
from cij.compiler.sql.plan import CLEAR_ENTERED, JourneyPlan
from cij.runtime.moving.batch import Batch, Group, Moved, Ready, run_region
from cij.runtime.moving.mover import Parameters
from cij.runtime.moving.plain import first_number, take_numbers, write_entered
from cij.runtime.moving.strategy import PerRegion, Strategy
from cij.runtime.world import World

# Tables whose readers have to see the passages of those who are held back.
_WRITTEN = frozenset({"passage_row", "passage", "tick_entered"})


@dataclass(frozen=True, slots=True)
class _Entered:
    plan: JourneyPlan
    people: int
    parameters: Parameters
    as_of: datetime


class NewEntries(Strategy):
    """Holds back the last who entered. `at_once_min`: a scratch table saves less than planning what is
    read in its place several times, for fewer people."""

    name = "new_entries"

    def __init__(self, at_once_min: int = 1_000) -> None:
        self.at_once_min = at_once_min
        self._entered: _Entered | None = None
        self._forms: PerRegion[EntryForm | None] = PerRegion(entry_form)

    def admit(
        self, world: World, plan: JourneyPlan, find: Statement, parameters: Parameters
    ) -> int:
        self.release(world)
        entered = take_numbers(world, plan, noting_rows(find), parameters)
        shown = world.calendar.shown
        if entered and shown is None:
            # They enter at different instants.
            write_entered(world, plan, entered, parameters)
        elif entered and shown is not None:
            self._entered = _Entered(plan, entered, parameters, shown[1])
            world.engine.defer(_WRITTEN, lambda: self.release(world))
        return entered

    def held(self) -> Sequence[Ready]:
        found = self._entered
        if found is None:
            return ()
        at = found.as_of
        return [Ready(found.plan.name, found.plan.version, found.plan.start, found.people, at, at)]

    def release(self, world: World) -> None:
        found, self._entered = self._entered, None
        if found is not None:
            world.engine.drop_deferred()
            write_entered(world, found.plan, found.people, found.parameters)

    def applies(self, world: World, batch: Batch) -> bool:
        return any(self._form(group) is not None for group in batch.groups)

    def _form(self, group: Group) -> EntryForm | None:
        found = self._entered
        if found is None or len(group.plans) > 1 or group.root != found.plan.start:
            return None
        if group.plans[0].version != found.plan.version:
            return None
        return self._forms.of(found.plan, group.region)

    def run(self, world: World, batch: Batch, moved: Moved) -> None:
        for group in batch.groups:
            form = self._form(group)
            if form is None:
                run_region(world, group, batch, moved)
            else:
                is_alone = batch.is_first and len(batch.groups) == 1
                self._settle(world, form, batch, moved, is_alone=is_alone)

    def _settle(
        self, world: World, form: EntryForm, batch: Batch, moved: Moved, *, is_alone: bool
    ) -> None:
        found, self._entered = self._entered, None
        assert found is not None, "it applies to those who are held back"
        world.engine.drop_deferred()
        first = {"first": first_number(world, found.people)}
        parameters = {**found.parameters, **batch.parameters, **first}
        is_at_once = is_alone and form.at_once and found.people >= self.at_once_min
        for step, statement in form.at_once if is_at_once else form.steps:
            moved.add(step, world.engine.execute(statement, parameters, rows=found.people))
        world.engine.execute(CLEAR_ENTERED)

    def forget(self) -> None:
        self._entered = None
