"""Whose opens and clicks may be measured: those who have agreed to a topic of their own.

{"event": "clicked", …, "if_consent": "measuring"}    counts only while the customer agrees to `measuring`

A link that went out while somebody agreed still works after they refuse, and then nothing is kept of it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cij.compiler.sql.unify import consent_name
from cij.runtime.engine import Engine
from cij.runtime.store import measured as stored

# The channel whose consent counts: mails are what is measured.
_CHANNEL = "email"
IF_CONSENT = "if_consent"


def granted(engine: Engine, topic: str, customers: Sequence[str]) -> frozenset[str]:
    """Return which of some customers agree to a topic; none of them where it does not exist."""
    name = consent_name(topic, _CHANNEL)
    if not customers or name not in engine.columns_of("customer"):
        return frozenset()
    found = engine.rows(stored.granted(name), {"customers": json.dumps([*customers])})
    return frozenset(id for (id,) in found)


def allowed(
    engine: Engine, rows: Sequence[Mapping[str, Any]], customers: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """Return the rows without those of people who do not agree. `customers` has the id of each text."""
    asked: dict[str, set[str]] = {}
    for row in rows:
        if IF_CONSENT in row:
            topic, who = str(row[IF_CONSENT]), customers.get(str(row.get("customer")))
            asked.setdefault(topic, set()).update([who] if who else [])
    agreed = {topic: granted(engine, topic, sorted(ids)) for topic, ids in asked.items()}
    return [_plain(row) for row in rows if _is_allowed(row, agreed, customers)]


def _is_allowed(
    row: Mapping[str, Any], agreed: Mapping[str, frozenset[str]], customers: Mapping[str, str]
) -> bool:
    if IF_CONSENT not in row:
        return True
    return customers.get(str(row.get("customer"))) in agreed[str(row[IF_CONSENT])]


def _plain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {k: v for k, v in row.items() if k != IF_CONSENT} if IF_CONSENT in row else row
