"""`segment`: a named condition about a customer."""

from pydantic import BaseModel

from cij.compiler import expression as ex, program as pg
from cij.compiler.build import Build
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.environments import customer_environment
from cij.compiler.model import place
from cij.compiler.parts import parts
from cij.compiler.typecheck import check_condition
from cij.compiler.types import BOOLEAN
from cij.grammar import codes, syntax

_REFRESH_S = 3600
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
    typed = tuple(i for i in items if i is not None)
    if not typed or len(typed) < len(items):
        return None
    return typed[0] if len(typed) == 1 else ex.And(type=BOOLEAN, items=typed)


def _refresh(body: Body) -> int:
    duration = body.duration("refresh")
    if duration is None:
        return _REFRESH_S
    if duration.unit not in _UNIT_S:
        body.wrong(body.settings["refresh"], "a duration of weeks at most")
        return _REFRESH_S
    return duration.count * _UNIT_S[duration.unit]


def check_circles(build: Build) -> None:
    """Report segments that need themselves, and take them out of the model."""
    for name, segment in list(build.model.segments.items()):
        if name in _reached(segment.condition, build, set()):
            message = f"segment `{name}` needs itself"
            span = build.declared["segment"][name].name.span
            build.report(codes.CIRCULAR_DEFINITION.at(span, message))


def _reached(node: BaseModel, build: Build, seen: set[str]) -> set[str]:
    for part in parts(node):
        name = part.segment if isinstance(part, ex.Member) else None
        if name is not None and name not in seen and name in build.model.segments:
            seen.add(name)
            _reached(build.model.segments[name].condition, build, seen)
        if isinstance(part, ex.MeasureValue) and part.measure in build.model.measures:
            _reached(build.model.measures[part.measure].value, build, seen)
    return seen
