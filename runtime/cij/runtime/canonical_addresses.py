"""Computes the canonical forms of addresses when data come in, so that no comparison has to (S29)."""

import json
from collections.abc import Iterable

from cij.compiler.addresses import canonical, canonical_of_any
from cij.compiler.program import Program
from cij.compiler.sql import canonical_addresses as statements
from cij.runtime.engine import Engine
from cij.runtime.store import suppression


def keep_all(engine: Engine, program: Program) -> None:
    """Keep the forms of the addresses of all records: of those that are new, each once."""
    for field in statements.fields_of(program):
        new = [text for (text,) in engine.rows(statements.unseen(program, field))]
        _append(engine, field, new, program.region)
    keep_written(engine, program)


def keep_written(engine: Engine, program: Program) -> None:
    """Keep the forms of the addresses that journeys have written with `set`."""
    for field in statements.own_fields(program):
        new = [text for (text,) in engine.rows(statements.unseen_writes(field))]
        _append(engine, field, new, program.region)


def keep(engine: Engine, program: Program, field: str, addresses: Iterable[str]) -> None:
    """Keep the forms of single addresses that came with events."""
    texts = sorted(set(addresses))
    parameters = {"field": field, "written": json.dumps(texts)}
    known = {text for (text,) in engine.rows(statements.KNOWN, parameters)} if texts else set()
    _append(engine, field, [t for t in texts if t not in known], program.region)


def compute_anew(engine: Engine, program: Program) -> None:
    """Forget all forms, where the region may be another, and bring the suppression list over.

    The list has forms only; an older cij wrote them in lower case, and an older region otherwise.
    """
    engine.execute(statements.FORGET)
    for (address,) in engine.rows(suppression.ADDRESSES):
        form = canonical_of_any(address, program.region)
        if form != address:
            for statement in suppression.RENAME:
                engine.execute(statement, {"address": address, "form": form})


def _append(engine: Engine, field: str, texts: list[str], region: str | None) -> None:
    forms = [(text, canonical(field, text, region)) for text in texts]
    # Of a number the form takes long to compute, so it is kept also where it is the number itself.
    kept = [(text, form) for text, form in forms if form != text or field == "phone"]
    if kept:
        columns: dict[str, list[object]] = {
            "field": [field] * len(kept),
            "written": [text for text, _ in kept],
            "canonical": [form for _, form in kept],
        }
        engine.append("canonical_address", columns)
