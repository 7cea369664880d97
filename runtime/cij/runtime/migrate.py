"""Open passages when a journey changes: which stay on their version, and where the others go on
(S21).

    passages in older versions --(renamed, removed, in_flight of the newest)--> Change --> update

`cij plan` prints the changes that are derived here, and a deployment applies the same ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cij.compiler.going_on import GoingOn, going_on, named_target
from cij.compiler.program import Journey, Program, from_json
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan.governing import heading_for, held_by, stands_at
from cij.runtime.adoption import Again, differs, got_already
from cij.runtime.engine import Engine
from cij.runtime.errors import StoreError
from cij.runtime.store import journeys, passages
from cij.runtime.store.interning import keep_names


@dataclass(frozen=True, slots=True)
class Change:
    """The change for the `people` at one state of an older version.

    `target` is the state of the newest version at which they go on; None where they stay. `again` are those
    of them who would get a message or call a second time, and `missed` the steps that were ahead of them and
    are not any more.
    """

    journey: str
    version: str
    state: str
    step: str
    people: int
    what: GoingOn
    target: str | None = None
    to_step: str = ""
    again: tuple[Again, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Tell whether the new version must not take them over: they have no place, or would be sent again
        what they got. An author who writes where they go on has decided that."""
        return self.what == "stuck" or (self.what == "adopts" and bool(self.again))


def newest_versions(engine: Engine) -> dict[str, str]:
    """Return the version of each journey of the program that was deployed last."""
    for (text,) in engine.rows(journeys.PROGRAMS)[:1]:
        return {j.name: j.version for j in from_json(text).journeys}
    return {}


def changes(engine: Engine, program: Program) -> list[Change]:
    """Return the changes for all open passages in older versions of journeys of `program`."""
    newest = {j.name: j for j in program.journeys}
    rows = [
        row
        for row in engine.rows(passages.STANDING)
        if row[0] in newest and newest[row[0]].version != row[1]
    ]
    older = _older(engine, {(name, version) for name, version, _, _ in rows})
    found = (
        _change(older[name, version], newest[name], state, people)
        for name, version, state, people in rows
    )
    return [_with_difference(engine, c, older[c.journey, c.version], newest) for c in found]


def staying(engine: Engine, program: Program) -> list[Change]:
    """Return the same people where nobody goes over yet, because the program is for a share of entrants."""
    return [
        replace(c, what="stays", target=None, to_step="", again=(), missed=())
        for c in changes(engine, program)
    ]


def _with_difference(
    engine: Engine, change: Change, old: Journey, newest: Mapping[str, Journey]
) -> Change:
    """Return the change with what those people get twice or miss, where they go over."""
    if change.what in ("stays", "stuck"):
        return change
    target = None if change.what == "ends" else change.target
    found = differs(old, change.state, newest[change.journey], target)
    again = got_already(engine, change.journey, change.version, change.state, found)
    return replace(change, again=again, missed=found.missed)


def _older(engine: Engine, wanted: set[tuple[str, str]]) -> Mapping[tuple[str, str], Journey]:
    found: dict[tuple[str, str], Journey] = {}
    for (text,) in engine.rows(journeys.PROGRAMS) if wanted else []:
        for journey in from_json(text).journeys:
            found.setdefault((journey.name, journey.version), journey)
    assert found.keys() >= wanted, f"people are in versions that are not stored: {wanted}"
    return found


def _change(old: Journey, new: Journey, state: str, people: int) -> Change:
    step = stands_at(old, state).step
    # A held passage is in front of a send; all others are at a wait.
    what, target = going_on(step, state, new, heading_for(state) if held_by(state) else None)
    to_step = named_target(what, target)
    if target is not None and not to_step:
        to_step = stands_at(new, target).step
    return Change(old.name, old.version, state, step, people, what, target, to_step)


def migrate(engine: Engine, program: Program) -> list[Change]:
    """Apply the changes in the caller's transaction, and return all of them.

    Raises: StoreError where an adopting version lacks the step of an open passage, or would send again what
    they got.
    """
    found = changes(engine, program)
    refused = [c for c in found if c.is_refused]
    if refused:
        raise StoreError(_refusal(refused))
    versions = {j.name: j.version for j in program.journeys}
    for change in found:
        if change.target is not None:
            where = {
                "new": versions[change.journey],
                "target": change.target,
                "journey": change.journey,
                "version": change.version,
                "state": change.state,
            }
            # The target may be a state that no plan has yet, so its text is stored here.
            keep_names(engine, where.values())
            numbers = {name: number_of(text) for name, text in where.items()}
            engine.execute(passages.TAKE_OVER, {**numbers, "at_once": change.what != "adopts"})
    return found


def _refusal(refused: Sequence[Change]) -> str:
    stuck = [c for c in refused if c.what == "stuck"]
    if not stuck:
        return _refusal_again(refused)
    where = "; ".join(f"{c.people} at `{c.step}` of {c.journey}" for c in stuck)
    return (
        f"the new version adopts the customers inside, but it has no step for some of them: {where}. "
        "Say where they go on: `renamed OLD to NEW`, or `removed OLD then go to STEP`, "
        "`then end OUTCOME`, `then finish`"
    )


def _refusal_again(refused: Sequence[Change]) -> str:
    where = "; ".join(
        f"{a.people} at `{c.step}` of {c.journey} would get `{a.to_step}`"
        for c in refused
        for a in c.again
    )
    return (
        f"the new version adopts the customers inside, and some would get a second time what they got: {where}. "
        "Leave out `in_flight = adopt`, so that they finish the version they entered with; or move the "
        "step behind the place where they wait"
    )


def told(change: Change) -> str:
    """Return a change in words, on one line."""
    people = f"{change.people} {'person' if change.people == 1 else 'people'}"
    where = f"{change.journey}: {people} at `{change.step}` (version {change.version[:8]})"
    match change.what:
        case "stays":
            return f"{where}: they go on in that version to its end"
        case "adopts":
            return (
                f"{where}: they go on in the new version, at `{change.to_step}`{_refused(change)}"
            )
        case "moves":
            return f"{where}: they go on at once, at `{change.to_step}` of the new version"
        case "ends":
            return f"{where}: they leave as {change.to_step}"
    return f"{where}: there is no step where they can go on"


def _refused(change: Change) -> str:
    told = ", ".join(f"`{a.to_step}` for {a.people}" for a in change.again)
    return f"; refused, because they would get again what they got: {told}" if told else ""
