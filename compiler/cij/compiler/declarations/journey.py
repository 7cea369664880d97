"""`journey`: its head, goals and exits.

`entering` reads the entries, `head_settings` the settings, `steps` the steps.
"""

from collections.abc import Sequence
from typing import cast

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declarations import changes
from cij.compiler.declarations.body import Advice, Body, did_you_mean_setting, read_body
from cij.compiler.declarations.entering import (
    entry_headers,
    known_at_entry,
    report_calendar_once,
    resolve_entries,
)
from cij.compiler.declarations.environments import customer_environment
from cij.compiler.declarations.head_settings import (
    HEAD_SETTINGS,
    LATER_SETTINGS,
    Written,
    head_values,
)
from cij.compiler.declarations.patterns import find_event, pattern_filter
from cij.compiler.declarations.steps import RESOLVERS, JourneyContext, resolve_steps
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import check_condition
from cij.compiler.typecheck.written_period import period
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Edit, Fix, Label
from cij.grammar.span import Span

# What is written as a sentence, and not as a setting.
_CLAUSES = {
    "again": "write `again never`, `again always` or `again after 30 days`, without `=`",
    "goal": "write `goal NAME on EVENT` or `goal NAME when CONDITION`",
    "exit": "write `exit on EVENT` or `exit when CONDITION`",
    "enter": "write `enter on EVENT` or `enter from segment SEGMENT`",
}


def define(node: syntax.Journey, build: Build) -> None:
    """Add the journey to the model, or report what is wrong with it."""
    body = _settings(node, build)
    plain = customer_environment(build)
    entries, trigger = resolve_entries(node, plain, build)
    env = plain.with_trigger(trigger, is_broken=len(entries) < len(entry_headers(node)))
    context = JourneyContext(node, build, env, RESOLVERS, steps=node.steps)
    context.known = known_at_entry(entries, env)
    goals = tuple(g for h in node.headers if isinstance(h, syntax.Goal) for g in _goal(h, context))
    _report_twin_goals(goals, build)
    exits = tuple(e for h in node.headers if isinstance(h, syntax.Exit) for e in _exit(h, context))
    steps = resolve_steps(node.steps, context)
    _report_empty(node, build)
    # After the steps: what is renamed or removed is compared with the names that they have now.
    head = _head(node, entries, Written(body, plain, env, build), context)
    build.model.journeys[head.name] = model.Journey(head, node.name.span, goals, exits, steps)


def _settings(node: syntax.Journey, build: Build) -> Body:
    return read_body(
        f"journey `{node.name.text}`",
        node.name.span,
        [header for header in node.headers if isinstance(header, syntax.Setting)],
        build.report,
        settings=[row.word for row in HEAD_SETTINGS],
        later=LATER_SETTINGS,
        advise=_advise,
    )


def _head(
    node: syntax.Journey, entries: tuple[pg.Entry, ...], written: Written, context: JourneyContext
) -> pg.Head:
    again, after = _again(node, context.build)
    report_calendar_once(node, again, context.build)
    return pg.Head(
        name=node.name.text,
        doc=node.doc,
        entries=entries,
        again=again,
        again_after=after,
        renamed=changes.renamed(node, context.names, context.build),
        removed=changes.removed(node, context.names, context.build),
        **head_values(written),
    )


def _advise(item: syntax.Setting, known: Sequence[str]) -> Advice:
    key = item.key
    if key.text not in _CLAUSES:
        return did_you_mean_setting(item, known)
    return _CLAUSES[key.text], _again_fixes(item) if key.text == "again" else ()


def _again_fixes(item: syntax.Setting) -> tuple[Fix, ...]:
    key, value = item.key.span, item.value
    if isinstance(value, syntax.Duration):
        between = " after "
    elif isinstance(value, syntax.Path) and value.text in ("never", "always"):
        between = " "
    else:
        return ()
    gap = Span(
        key.file,
        key.end,
        value.span.start,
        key.end_line,
        key.end_column,
        value.span.line,
        value.span.column,
    )
    return (Fix("write it without `=`", (Edit(gap, between),)),)


def _not_yet(what: str, span: Span, build: Build) -> None:
    message = f"{what} is understood, but not available in this version"
    build.report(codes.NOT_YET_AVAILABLE.at(span, message))


def _report_empty(node: syntax.Journey, build: Build) -> None:
    if not entry_headers(node):
        message = f"nobody can enter journey `{node.name.text}`"
        hint = "add `enter from segment NAME` or `enter on EVENT`"
        build.report(codes.EMPTY_JOURNEY.at(node.name.span, message, help=hint))
    if not node.steps:
        message = f"journey `{node.name.text}` has no steps"
        build.report(codes.EMPTY_JOURNEY.at(node.name.span, message))


# --- goals, exits, again ----------------------------------------------------------------------


def _goal(header: syntax.Goal, context: JourneyContext) -> list[model.Goal]:
    event, where, condition = _trigger_of(header.pattern, header.condition, context)
    if event is None and condition is None:
        return []
    return [
        model.Goal(
            name=header.name.text,
            event=event,
            where=where,
            condition=condition,
            within=period(header.within) if header.within else None,
            is_stay=header.is_stay,
            span=header.span,
        )
    ]


def _report_twin_goals(goals: tuple[model.Goal, ...], build: Build) -> None:
    first: dict[str, Span] = {}
    for goal in goals:
        if goal.name in first:
            related = [Label(first[goal.name], "first here")]
            message = f"two goals are called `{goal.name}`"
            build.report(codes.DUPLICATE_NAME.at(goal.span, message, related=related))
        first.setdefault(goal.name, goal.span)


def _exit(header: syntax.Exit, context: JourneyContext) -> list[model.Exit]:
    event, where, condition = _trigger_of(header.pattern, header.condition, context)
    if event is None and condition is None:
        return []
    name = header.name.text if header.name else "exited"
    return [model.Exit(name, event, where, condition, header.span)]


def _trigger_of(
    pattern: syntax.Pattern | None,
    condition: syntax.Expression | None,
    context: JourneyContext,
) -> tuple[str | None, ex.Expression | None, ex.Expression | None]:
    if condition is not None:
        return None, None, check_condition(condition, context.env)
    assert pattern is not None, "a goal or exit has a pattern or a condition"
    if pattern.label is not None:
        message = "a goal or exit is on an event, not on the message of one step"
        context.build.report(codes.BAD_LABEL.at(pattern.label.span, message))
    event = find_event(pattern, context.build)
    if event is None:
        return None, None, None
    return event.name, pattern_filter(pattern, event, context.env), None


def _again(node: syntax.Journey, build: Build) -> tuple[pg.AgainRule, ex.Period | None]:
    headers = [h for h in node.headers if isinstance(h, syntax.Again)]
    if not headers:
        return "never", None
    header = headers[0]
    for other in headers[1:]:
        related = [Label(header.span, "first here")]
        message = "`again` is said twice"
        build.report(codes.DUPLICATE_NAME.at(other.span, message, related=related))
    rule = cast(pg.AgainRule, header.rule)
    return rule, period(header.after) if header.after else None
