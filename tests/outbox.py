"""Rows of the outbox that no journey has written, for tests of delivery."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from cij.compiler.sql.outbox import Effect
from cij.runtime.engine import Engine
from cij.runtime.store.outbox import keep_effects

_OF_EFFECT = [f.name for f in fields(Effect)]


def put(engine: Engine, columns: Mapping[str, Sequence[Any]]) -> None:
    """Append rows, given column by column with the names of `outbox_row` and `effect`."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    effects = [Effect(*(row.get(name) or "" for name in _OF_EFFECT)) for row in rows]
    keep_effects(engine, effects)
    own = {name: values for name, values in columns.items() if name not in _OF_EFFECT}
    engine.append("outbox_row", {**own, "effect": [effect.id for effect in effects]})
