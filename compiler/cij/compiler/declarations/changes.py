"""`renamed`, `removed`, `in_flight`: what a new version means for passages that are under way (S21)."""

from collections.abc import Iterable
from typing import Literal

from cij.compiler import program as pg
from cij.compiler.declarations.body import Body
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span

Names = dict[str, Span]


def renamed(node: syntax.Journey, steps: Names, build: Build) -> tuple[pg.Renamed, ...]:
    """Return the steps that got another name. `steps` are those that the journey has now."""
    headers = [h for h in node.headers if isinstance(h, syntax.Renamed)]
    _report_twins([(h.old, h.old.text) for h in headers], build)
    found = []
    for header in headers:
        is_gone = _is_gone(header.old, steps, build)
        if _is_there(header.new, steps, build) and is_gone:
            found.append(pg.Renamed(old=header.old.text, new=header.new.text))
    return tuple(found)


def removed(node: syntax.Journey, steps: Names, build: Build) -> tuple[pg.Removed, ...]:
    """Return the steps that are gone, and where their passages go on."""
    headers = [h for h in node.headers if isinstance(h, syntax.Removed)]
    _report_twins([(h.step, h.step.text) for h in headers], build)
    found = []
    for header in headers:
        then = _THEN[header.then]
        target = header.target.text if header.target else None
        if then == "go_to" and (
            header.target is None or not _is_there(header.target, steps, build)
        ):
            continue
        if _is_gone(header.step, steps, build):
            found.append(pg.Removed(step=header.step.text, then=then, target=target))
    return tuple(found)


_THEN: dict[str, Literal["go_to", "end", "finish"]] = {
    "go to": "go_to",
    "end": "end",
    "finish": "finish",
}


def in_flight(body: Body) -> Literal["pin", "adopt"]:
    """Return whether passages stay on their version or go on in the new one."""
    return "adopt" if body.choice("in_flight", ("pin", "adopt")) == "adopt" else "pin"


def _is_there(name: syntax.Name, steps: Names, build: Build) -> bool:
    if name.text in steps:
        return True
    hint = did_you_mean(name.text, steps)
    message = f"the journey has no step `{name.text}`"
    build.report(codes.BAD_CHANGE.at(name.span, message, help=hint))
    return False


def _is_gone(name: syntax.Name, steps: Names, build: Build) -> bool:
    if name.text not in steps:
        return True
    message = f"the journey still has a step `{name.text}`"
    related = [Label(steps[name.text], "here")]
    build.report(codes.BAD_CHANGE.at(name.span, message, related=related))
    return False


def _report_twins(names: Iterable[tuple[syntax.Name, str]], build: Build) -> None:
    first: dict[str, Span] = {}
    for name, text in names:
        if text in first:
            related = [Label(first[text], "first here")]
            message = f"two lines say what becomes of `{text}`"
            build.report(codes.BAD_CHANGE.at(name.span, message, related=related))
        first.setdefault(text, name.span)
