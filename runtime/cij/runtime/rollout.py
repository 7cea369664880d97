"""A rollout: only a share of those who enter get the steps of the new program (`cij plan ENV --rollout 10%`).

    entry --hash of the journey and the customer--> below the share: new version; else: the version before

Entry rules, policies and consent are those of the new program for everybody. The hash is salted with the
journey, so that the shares of two journeys are independent; it does not depend on the share, so the same
people stay in when the share grows. Into a new journey nobody outside of the share enters. People inside
stay where they are until the rollout is for everybody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cij.compiler import expression as ex
from cij.compiler.program import Journey, Program, canonical, from_json
from cij.compiler.sql import Statement, query
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import JourneyPlan
from cij.runtime.applied import history, note_applied
from cij.runtime.engine import Engine
from cij.runtime.moving.mover import Parameters
from cij.runtime.moving.plain import PlainMover, first_number
from cij.runtime.store import journeys
from cij.runtime.world import World

_ALL = 100
_OUTSIDE = "SUBSTRING(MD5(CONCAT($salt, {t}.customer)), 1, 8) >= $bound"
_MINE = "{t}.{id} >= $first AND {t}.{id} <= $last AND "


def _reversion(table: str, id: str, sets: str) -> Statement:
    text = f"UPDATE {table} SET {sets} WHERE " + (_MINE + _OUTSIDE).replace("{t}", table)
    return query(text.replace("{id}", id))


_PASSAGES = _reversion("passage_row", "id", "version = $older")
_READY = _reversion("tick_ready", "passage", "version = $older, root = $root")


@dataclass(frozen=True, slots=True)
class Rollout:
    """The program `base` is for those outside of the share, in percent."""

    share: int
    base: Program

    @property
    def older(self) -> Mapping[str, Journey]:
        """The journeys of the older program, by name."""
        return {j.name: j for j in self.base.journeys}


def rollout_of(engine: Engine, program: Program) -> Rollout | None:
    """Return the rollout of the program that was applied last; None where it is for everybody."""
    made = history(engine)
    if not made or made[0].hash != program.hash or made[0].share >= _ALL:
        return None
    base = base_of(engine, program)
    return Rollout(made[0].share, base) if base is not None else None


def base_of(engine: Engine, program: Program) -> Program | None:
    """Return the last other program that was for everybody; None where there is none."""
    made = history(engine)
    base = next((a.hash for a in made if a.hash != program.hash and a.share >= _ALL), None)
    found = engine.rows(journeys.PROGRAM, {"hash": base}) if base is not None else []
    return from_json(found[0][0]) if found else None


def try_share(engine: Engine, program: Program, share: int, now: datetime) -> None:
    """Let the next deployment into a copy, or one that is taken back, be for a share."""
    note_applied(
        engine, program.hash, now, what="apply", who="", revision="", texts=None, share=share
    )


def rollout_faults(base: Program | None, program: Program) -> Iterator[str]:
    """Yield why a program cannot come to a share of people: who enters must be one for both versions."""
    if base is None:
        yield "nothing runs there yet, so there is nothing for the others"
        return
    older = {j.name: j for j in base.journeys}
    for journey in program.journeys:
        old = older.get(journey.name)
        if old is not None and old.version != journey.version:
            if canonical(list(old.entries)) != canonical(list(journey.entries)):
                yield f"journey {journey.name} has other entries"
            if (old.per, canonical(list(old.kept))) != (
                journey.per,
                canonical(list(journey.kept)),
            ):
                yield f"journey {journey.name} keeps other facts of those who enter"


def for_a_share(program: Program, rollout: Rollout) -> Program:
    """Return the program with new journeys closed to those outside of the share. Versions stay."""
    return program.model_copy(
        update={
            "journeys": tuple(
                j if j.name in rollout.older else _closed(j, rollout.share)
                for j in program.journeys
            )
        }
    )


def _closed(journey: Journey, share: int) -> Journey:
    outside = ex.HashShare(salt=_salt(journey.name), low=str(Decimal(share) / _ALL), high="1")
    given = journey.suppress
    both = outside if given is None else ex.Or(items=(given, outside))
    return journey.model_copy(update={"suppress": both})


def _salt(journey: str) -> str:
    return f"rollout {journey}"


class RolloutMover(PlainMover):
    """The plain mover, and those outside of the share enter the version before."""

    def __init__(self, rollout: Rollout) -> None:
        self.rollout = rollout

    def admit(
        self, world: World, plan: JourneyPlan, find: Statement, parameters: Parameters
    ) -> int:
        entered = super().admit(world, plan, find, parameters)
        old = self.rollout.older.get(plan.name)
        if entered and old is not None and old.version != plan.version:
            first = first_number(world, entered)
            asked: dict[str, object] = {
                "first": first,
                "last": first + entered - 1,
                "salt": f"{_salt(plan.name)}:",
                "bound": f"{self.rollout.share * 16**8 // _ALL:08x}",
                "older": number_of(old.version),
                "root": number_of(_root(world, old)),
            }
            for statement in (_PASSAGES, _READY):
                world.engine.execute(statement, asked)
        return entered


def _root(world: World, old: Journey) -> str:
    return world.journey(old.name, old.version).start


def versions_kept(rollout: Rollout, program: Program) -> set[tuple[str, str]]:
    """Return the older versions into which people still enter."""
    newest = {j.name: j.version for j in program.journeys}
    return {
        (j.name, j.version)
        for j in rollout.base.journeys
        if j.name in newest and newest[j.name] != j.version
    }
