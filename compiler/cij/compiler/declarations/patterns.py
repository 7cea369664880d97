"""Patterns: `EVENT(label) where …`, in entries, goals, exits and waits."""

from cij.compiler import expression as ex, program as pg
from cij.compiler.naming import no_event
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import Environment, check_condition
from cij.grammar import syntax


def find_event(pattern: syntax.Pattern, build: Build) -> pg.Event | None:
    """Return the event that a pattern names, or report that there is none."""
    name = pattern.event.text
    found = build.model.events.get(name)
    if found is None and name not in build.declared["event"]:
        build.report(no_event(pattern.event.span, name, build.model.events))
    return found


def pattern_filter(
    pattern: syntax.Pattern, event: pg.Event, env: Environment
) -> ex.Expression | None:
    """Return the typed `where` of a pattern, if it has one."""
    if pattern.where is None:
        return None
    return check_condition(pattern.where, env.with_event(event))
