"""The tables of `cij check --bounds`: the most messages that journeys ask for, before any cap."""

import json
from collections.abc import Iterator

from cij.app.send_bounds import WINDOWS, as_json, bounds
from cij.cli.render.plain_table import table
from cij.compiler.model import Model
from cij.compiler.proofs.bounds import Bound, send_bound
from cij.compiler.proofs.caps import CapBound, cap_bounds
from cij.compiler.unparse import cap_words, duration_words, seconds_words

_SHOWN_MAX = 8


def bounds_text(source: Model) -> str:
    """Return a table of the bounds, the worst week of each journey, and a table of the caps."""
    heads = ["", *(duration_words(w) for w in WINDOWS)]
    rows = [[name, *map(_shown, each)] for name, each in bounds(source)]
    title = "the most messages that journeys may send to one customer"
    return table(title, heads, rows) + "".join(_paths(source)) + _caps(source)


def with_bounds(text: str, source: Model, format_name: str) -> str:
    """Return a report with the bounds. Only the text and the JSON have a place for them."""
    if format_name == "json":
        document = json.loads(text) | as_json(source)
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return text + bounds_text(source) if format_name == "text" else text


def _caps(source: Model) -> str:
    """Return a table of the messages against each cap, and the worst case where a cap is
    exceeded."""
    rows, paths = [], []
    for found in cap_bounds(source):
        words = f"{cap_words(found.cap)} ({found.cap.policy})"
        rows.append([words, _shown(found.bound), _verdict(found)])
        if found.is_kept is False:
            paths.append(f"worst case against {words}: {_steps(found.bound, with_journey=True)}\n")
    heads = ["", "at most", "so that"]
    return (
        table("the most messages that count against each cap", heads, rows) + "".join(paths)
        if rows
        else ""
    )


def _verdict(found: CapBound) -> str:
    if found.is_kept is None:
        return "not proved"
    if found.is_kept:
        return "it is never reached"
    return "some may wait" if found.cap.waits else "some may be skipped"


def _steps(bound: Bound, *, with_journey: bool = False) -> str:
    steps = [
        f"{f'{sent.journey}.' if with_journey else ''}{sent.step} "
        f"after {seconds_words(sent.elapsed_s)}"
        for sent in bound.path[:_SHOWN_MAX]
    ]
    return ", ".join(steps) + (", …" if len(bound.path) > _SHOWN_MAX else "")


def _shown(bound: Bound) -> str:
    if bound.count is None:
        return "unlimited"
    return str(bound.count) if bound.is_exact else f"<= {bound.count}"


def _paths(source: Model) -> Iterator[str]:
    for journey in source.journeys.values():
        bound = send_bound(journey, WINDOWS[1])
        if bound.path:
            yield f"worst week of {journey.name}: {_steps(bound)}\n"
