"""`segment`: a named condition about a customer."""

from pydantic import BaseModel

from cij.compiler import expression as ex, program as pg
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.environments import customer_environment
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.model import Model, place
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import check_condition
from cij.compiler.typecheck.checker import all_of
from cij.compiler.types import BOOLEAN
from cij.compiler.unparse import words
from cij.compiler.walk import walk
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label

_REFRESH_S = 3600
# Less would keep the runtime busy with nothing else, and 0 for ever.
_REFRESH_MIN_S = 60
_REFRESH_MAX_S = 52 * 604800
_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the segment to the model, or report what is wrong with it."""
    name = node.name.text
    body = read_body(
        f"segment `{name}`",
        node.name.span,
        node.items,
        build.report,
        settings=("refresh",),
        clauses=(syntax.Where, syntax.Except),
        later=("list",),
    )
    if not body.wheres:
        message = f"segment `{name}` needs a condition"
        build.report(
            codes.MISSING_SETTING.at(node.name.span, message, help="add `where points > 1000`")
        )
    condition = _condition(body, build)
    if condition is None:
        return
    build.model.segments[name] = pg.Segment(
        name=name,
        condition=condition,
        refresh_s=_refresh(body),
        place=place(node.name.span),
    )


def _condition(body: Body, build: Build) -> ex.Expression | None:
    env = customer_environment(build)
    found = [check_condition(w.condition, env) for w in body.wheres]
    without = [check_condition(e.condition, env) for e in body.excepts]
    items = [*found, *(ex.Not(type=BOOLEAN, item=e) if e else None for e in without)]
    return all_of(items)


def _refresh(body: Body) -> int:
    duration = body.duration("refresh")
    if duration is None:
        return _REFRESH_S
    seconds = sum(count * _UNIT_S.get(unit, -_REFRESH_MAX_S) for count, unit in duration.lengths)
    if not _REFRESH_MIN_S <= seconds <= _REFRESH_MAX_S:
        body.wrong(body.settings["refresh"], "a duration from 1 minute to 52 weeks")
        return _REFRESH_S
    return seconds


def check_circles(build: Build) -> None:
    """Report segments that need themselves, and take them out of the model."""
    reached = {n: _reached(s.condition, build, set()) for n, s in build.model.segments.items()}
    circular = [name for name, others in reached.items() if name in others]
    seen: set[str] = set()
    for name in circular:
        if name not in seen:
            circle = [n for n in circular if n in reached[name] and name in reached[n]]
            seen |= {*circle}
            _report_circle(circle, build)
    for name in circular:
        del build.model.segments[name]


def _report_circle(circle: list[str], build: Build) -> None:
    first, *others = [build.declared["segment"][name].name.span for name in circle]
    way = " and ".join(f"`{name}`" for name in circle[1:])
    message = f"segment `{circle[0]}` needs itself" + (f", over {way}" if way else "")
    related = [Label(span, "part of the circle") for span in others]
    build.report(codes.CIRCULAR_DEFINITION.at(first, message, related=related))


def _reached(node: BaseModel, build: Build, seen: set[str]) -> set[str]:
    for part in walk(node):
        name = part.segment if isinstance(part, ex.Member) else None
        if name is not None and name not in seen and name in build.model.segments:
            seen.add(name)
            _reached(build.model.segments[name].condition, build, seen)
        if isinstance(part, ex.MeasureValue) and part.measure in build.model.measures:
            _reached(build.model.measures[part.measure].value, build, seen)
    return seen


# --- explain ---------------------------------------------------------------------------------


def explain(segment: pg.Segment, source: Model) -> Lines:
    yield heading("segment", segment.name, segment.place)
    yield f"Everybody for whom this is true: {words(segment.condition)}"
