"""Each pass has a golden pair: a statement before it, and after. What it does to results is compared with
DuckDB in `test_movers.py`, `test_semi_join.py` and `test_prune_empty.py`."""

import pytest

from cij.compiler.sql import Statement, query
from cij.compiler.sql.passes import PASSES, Facts, Pass, rewrite
from tests.conftest import Golden

_FACTS = Facts(
    lambda table: table == "event_empty",
    zones=("Europe/Madrid",),
    is_one_zone=True,
    has_one_instant=True,
    rows=1_000_000,
)
_ZONES = Facts(lambda table: False, zones=("Europe/Madrid", "Asia/Tokyo"))
_INSTANT = (
    "(SELECT moment.at FROM moment "
    "WHERE moment.zone = c.zone AND moment.name = '-30 days' AND moment.as_of = {as_of})"
)
_OWN, _NOW = _INSTANT.format(as_of="w.as_of"), _INSTANT.format(as_of="$now")
_WINDOW = f"EXISTS(SELECT 1 FROM event_x AS e WHERE e.customer = c.id AND e.at > {_NOW})"
_OWN_WINDOW = _WINDOW.replace("$now", "w.as_of")

# Statements that show what a pass does, by its name.
_BEFORE = {
    "one_instant": [
        (
            "SELECT w.passage, w.as_of, GREATEST(w.as_of, w.counts_from) AS since "
            f"FROM tick_ready AS w JOIN customer AS c ON c.id = w.customer WHERE {_OWN_WINDOW}"
        ),
        "SELECT MIN(t.as_of) AS first FROM tick_ready AS t",
    ],
    "semi_join": [
        f"SELECT w.passage FROM tick_ready AS w JOIN customer AS c ON c.id = w.customer WHERE {_WINDOW}"
    ],
    "prune_empty": [
        "INSERT INTO tick_ready (passage) SELECT p.id FROM passage_row AS p JOIN event_empty AS e ON e.seq = p.event",
        "DELETE FROM tick_ready WHERE tick_ready.customer IN (SELECT e.customer FROM event_empty AS e)",
    ],
    "inline_instants": [
        f"SELECT c.id FROM customer AS c WHERE c.since > {_NOW}",
        (
            "SELECT w.passage FROM tick_ready AS w JOIN customer AS c ON c.id = w.customer "
            f"WHERE c.since > {_OWN}"
        ),
    ],
    "number_rows": [
        (
            "SELECT $first - 1 + ROW_NUMBER() OVER (ORDER BY n.customer ASC, n.entry_key ASC) AS id "
            "FROM tick_entered AS n"
        )
    ],
}


def test_every_pass_has_a_pair() -> None:
    assert [each.name for each in PASSES] == list(_BEFORE)


@pytest.mark.parametrize("each", PASSES, ids=lambda each: each.name)
def test_a_pass_rewrites_as_the_golden_pair_says(each: Pass, golden: Golden) -> None:
    parts = []
    for text in _BEFORE[each.name]:
        for title, facts in (("after", _FACTS), ("after, with two zones", _ZONES)):
            found = each.run(query(text), facts)
            parts.append(_shown(f"before\n{query(text).text(pretty=True)}", title, found))
    golden(f"passes/{each.name}.sql", "\n".join(parts))


def _shown(before: str, title: str, found: Statement | None) -> str:
    text = "nothing to do" if found is None else found.text(pretty=True)
    return f"-- {before}\n-- {title}\n{text}\n"


def test_all_passes_together_leave_no_look_up_of_instants() -> None:
    text = _BEFORE["semi_join"][0].replace("$now", "w.as_of")
    found = rewrite(query(text), _FACTS, PASSES)
    assert found is not None
    assert found.tables == {"tick_ready", "event_x", "customer"}
    assert found.parameters == {"moment_as_of_0__30_days"}
