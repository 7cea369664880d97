"""`cij plan`: compares the files with what runs in an environment, and counts the people.

    files --compile--> program --deployment, taken back--> journeys, people, audiences
    texts that the store keeps --cij diff--> what the changes mean
    copies of the store --simulation of both programs--> messages of the next days

Nothing is changed. `cij apply` makes the first part again, and compares it with what was printed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.authorship import revision
from cij.app.compared_files import of_folder
from cij.app.compared_sides import Sides
from cij.app.comparison import compared
from cij.app.compile import Compiled, compile_path
from cij.app.config import Settings
from cij.app.deployment import Deployment, deployment_of, nothing_yet
from cij.app.kept_texts import project_texts
from cij.app.open_store import has_store, open_copy, open_scratch, open_when_free
from cij.app.plan_conflicts import conflicts, pairs
from cij.app.plan_report import (
    Group,
    MessageCount,
    PlanReport,
    RuleCount,
    Running,
    SegmentCount,
)
from cij.app.project import Project
from cij.app.request_error import RequestError
from cij.compiler.program import Program
from cij.compiler.review.review_report import Change, Report
from cij.runtime.applied import history, texts_of
from cij.runtime.change_counts import ChangeCounts
from cij.runtime.clock import LiveClock
from cij.runtime.engine import Engine
from cij.runtime.forecast import Forecast, forecast
from cij.runtime.insight.person import deployed
from cij.runtime.rollout import base_of, rollout_faults
from cij.runtime.store import passages

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Core:
    """What a deployment changes, as found in an open store. `texts` are those that run, if they are known."""

    report: PlanReport
    old: Program | None
    texts: str | None = None

    @property
    def changed(self) -> list[str]:
        """The journeys that are new or have changed."""
        return [n for n, what in self.report.journeys.items() if what in ("new", "changed")]


def environment_plan(
    path: Path,
    on_wait: Say = lambda text: None,
    *,
    days: int = 7,
    examples: int = 0,
    share: int | None = None,
    progress: Callable[[datetime, str], None] = lambda at, zone: None,
) -> PlanReport:
    """Return what applying the files would change. Raises: InvalidProject, ConfigError, StoreLocked.

    `days` is the length of the forecast, and `examples` the number of ids for each count. `share` is that of a
    rollout; None is everybody, or the share of a rollout that is on.
    """
    made, now = compile_path(path), LiveClock().now()
    if not has_store(made.project) and not made.project.settings.environment.name:
        return core_of(None, made, now).report
    engine = _opened(made.project, on_wait)
    try:
        core = core_of(engine, made, now, examples=examples, share=share)
    finally:
        engine.close()
    report = _reviewed(core, made)
    if not days or core.old is None or report.is_refused or report.hash == core.old.hash:
        return report
    return _forecast(core, report, made, now, days, progress)


def _opened(project: Project, on_wait: Say) -> Engine:
    """Open the store; in memory where there is none yet, because a plan must not make one."""
    is_there = has_store(project)
    return open_when_free(project, on_wait=on_wait) if is_there else open_scratch()


def core_of(
    engine: Engine | None,
    made: Compiled,
    now: datetime,
    *,
    examples: int = 0,
    share: int | None = None,
) -> Core:
    """Return what a deployment into an open store would change; None is one that is not there yet."""
    program, project = made.program, made.project
    old = deployed(engine) if engine is not None else None
    wanted = _share(engine, program) if share is None else share
    _require_rollout(engine, program, wanted)
    counts = ChangeCounts(old, program, examples, wanted, pairs(old, program))
    found = nothing_yet(program)
    running, texts, people = None, None, tuple[Group, ...]()
    if engine is not None:
        found = deployment_of(engine, project, program, now, counts, is_for_all=wanted == 100)
        running, texts = _running(engine, old), texts_of(engine, old.hash) if old else None
        people = tuple(_groups(engine, found))
    report = PlanReport(
        project=program.project,
        environment=project.settings.environment.name or "",
        is_protected=project.settings.environment.is_protected,
        at=f"{now.isoformat()}Z",
        zone=program.timezone,
        delivery=_delivery(project.settings),
        base=running,
        hash=program.hash,
        revision=revision(project.root),
        share=wanted,
        people=people,
        segments=tuple(SegmentCount(**asdict(each)) for each in counts.segments),
        conflicts=tuple(conflicts(program, _changed(found), counts.overlaps)),
        notes=tuple(f"{name} cannot be counted: {why}" for name, why in counts.left.items()),
        **_as_run(found),
    )
    return Core(report, old, texts)


def _share(engine: Engine | None, program: Program) -> int:
    """Return the share of a rollout that is on: without a word it goes on as it is."""
    made = history(engine) if engine is not None else []
    return made[0].share if made and made[0].hash == program.hash else 100


def _require_rollout(engine: Engine | None, program: Program, share: int) -> None:
    """Refuse a rollout that is not possible. Raises: RequestError."""
    if share == 100:
        return
    made = history(engine) if engine is not None else []
    base = base_of(engine, program) if engine is not None and made else None
    faults = list(rollout_faults(base, program))
    if made and (made[0].hash, made[0].share) == (program.hash, 100):
        faults = ["this program is for everybody already"]
    if faults:
        raise RequestError(f"a rollout is not possible: {'; '.join(faults)}")


def _changed(found: Deployment) -> list[str]:
    return [name for name, what in found.journeys.items() if what in ("new", "changed")]


def _as_run(found: Deployment) -> dict[str, Any]:
    held = {n: {"state": s, "since": f"{at.isoformat()}Z"} for n, (s, at) in found.held.items()}
    return {
        "journeys": found.journeys,
        "held": held,
        "kept": found.kept,
        "foresight": found.foresight,
    }


def _running(engine: Engine, old: Program | None) -> Running | None:
    if old is None:
        return None
    noted = next((a for a in history(engine) if a.hash == old.hash), None)
    if noted is None:
        return Running(hash=old.hash)
    return Running(
        hash=old.hash,
        at=f"{noted.at.isoformat()}Z",
        who=noted.who,
        revision=noted.revision,
        share=noted.share,
    )


def _groups(engine: Engine, found: Deployment) -> Iterator[Group]:
    """Yield what happens to everybody inside a journey that changes or is gone."""
    for change in found.changes:
        yield Group(**asdict(change), is_refused=change.is_refused)
    for journey, version, state, people in engine.rows(passages.STANDING):
        if found.journeys.get(journey) == "gone":
            yield Group(
                journey=journey,
                version=version,
                state=state,
                step=state,
                people=people,
                what="stays",
            )


def _delivery(settings: Settings) -> dict[str, str]:
    """Return where the messages of each channel go, in words without secrets."""
    ways: dict[str, Any] = {**settings.delivery.by_channel()}
    ways["action"] = settings.delivery.action.default
    return {channel: _way(way) for channel, way in ways.items()}


def _way(way: Any) -> str:
    where = getattr(way, "host", None) or getattr(way, "url", None) or getattr(way, "folder", "")
    return f"{way.kind}: {where}"


# --- what the changes mean -------------------------------------------------------------------------


def _reviewed(core: Core, made: Compiled) -> PlanReport:
    report = core.report
    if core.old is None or core.old.hash == report.hash:
        return report
    review = _review(core.texts, made, core.old)
    if review is None:
        note = (
            "the store does not know the texts of the program that runs, so the changes are named and not "
            "explained; `cij diff REVISION` explains them. From the next run on it knows them"
        )
        return report.model_copy(update={"notes": (*report.notes, note)})
    return report.model_copy(update={"review": review})


def _review(texts: str | None, made: Compiled, old: Program) -> Report | None:
    base = project_texts(texts, f"what runs ({old.hash[:8]})") if texts is not None else None
    if base is None:
        return None
    root = made.project.root
    found = compared(Sides(root, base, of_folder(root, "the files on disk")))
    return found.model_copy(update={"changes": tuple(_in_plan(c) for c in found.changes)})


_ANSWERS = ("effect", "who", "inside", "decide")
_NAMED = re.compile(r"(^|[.?!] )?`cij plan`")


def _in_plan(change: Change) -> Change:
    """Return a change whose sentences do not send the reader to the plan that they read."""
    texts = {name: _NAMED.sub(_this_plan, getattr(change, name)) for name in _ANSWERS}
    return change.model_copy(update=texts)


def _this_plan(found: re.Match[str]) -> str:
    return f"{found[1]}This plan" if found[1] is not None else "this plan"


# --- the next days ---------------------------------------------------------------------------------


def _forecast(
    core: Core,
    report: PlanReport,
    made: Compiled,
    now: datetime,
    days: int,
    progress: Callable[[datetime, str], None],
) -> PlanReport:
    assert core.old is not None, "a forecast compares two programs"

    def simulated(program: Program, share: int) -> Forecast:
        engine, zone = open_copy(made.project), report.zone
        try:
            root, changed = made.project.root, core.changed
            return forecast(
                engine, program, root, now, days, changed, lambda at: progress(at, zone), share
            )
        finally:
            engine.close()

    before, after = simulated(core.old, 100), simulated(made.program, report.share)
    failed = (f"{f.kind} {f.name} fails in the forecast: {f.reason}" for f in after.course.failed)
    return report.model_copy(
        update={
            "days": days,
            "messages": tuple(_messages(before, after)),
            "rules": tuple(_rules(before, after)),
            "conflicts": (*report.conflicts, *conflicts(made.program, (), (), after.clashes)),
            "notes": (*report.notes, *failed),
        }
    )


def _messages(before: Forecast, after: Forecast) -> Iterator[MessageCount]:
    one = {(s.journey, s.channel, s.message): s for s in before.sent}
    other = {(s.journey, s.channel, s.message): s for s in after.sent}
    for key in sorted({*one, *other}):
        was, will = one.get(key), other.get(key)
        journey, channel, message = key
        yield MessageCount(
            journey=journey,
            channel=channel,
            message=message,
            before=was.messages if was is not None else 0,
            after=will.messages if will is not None else 0,
            people=will.people if will is not None else 0,
        )


def _rules(before: Forecast, after: Forecast) -> Iterator[RuleCount]:
    sides: list[dict[tuple[str, str], int]] = []
    for course in (before.course, after.course):
        times: dict[tuple[str, str], int] = {}
        for each in course.effects:
            key = each.effect, each.rule or ""
            times[key] = times.get(key, 0) + each.times
        sides.append(times)
    for key in sorted({*sides[0], *sides[1]}):
        effect, rule = key
        yield RuleCount(
            effect=effect, rule=rule, before=sides[0].get(key, 0), after=sides[1].get(key, 0)
        )
