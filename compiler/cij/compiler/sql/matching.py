"""Matching: which records are one customer, by the rules of the profile (S26).

The tables are those of `unify`.
"""

from sqlglot import exp

from cij.compiler.program import ExactMatch, Profile
from cij.compiler.sql import canonical_addresses, newcomers
from cij.compiler.sql.columns import all_of, column, named, number, select
from cij.compiler.sql.making import make, scratch
from cij.compiler.sql.template import Statement, fill, query

NO_EDGES = scratch("unify_edge", [("a", "BIGINT"), ("b", "BIGINT")])

START_LABELS = make(
    "unify_label",
    "SELECT n.rec, n.rec AS label "
    "FROM (SELECT e.a AS rec FROM unify_edge AS e UNION SELECT e.b FROM unify_edge AS e) AS n",
)
EDGES_LEFT = query("SELECT COUNT(*) FROM unify_edge")

# The algorithm is label propagation with pointer jumping: each cluster joins its smallest
# neighbour, then chains are shortened, then edges between clusters are contracted. It needs few
# rounds for long chains.
HOOK = make(
    "unify_hook", "SELECT e.a AS root, MIN(e.b) AS parent FROM unify_edge AS e GROUP BY e.a"
)
LONG_CHAINS = query(
    "SELECT COUNT(*) FROM unify_hook AS h JOIN unify_hook AS p ON p.root = h.parent"
)
JUMP = make(
    "unify_hook",
    "SELECT h.root, COALESCE(p.parent, h.parent) AS parent "
    "FROM unify_hook AS h LEFT JOIN unify_hook AS p ON p.root = h.parent",
)
RELABEL = make(
    "unify_label",
    "SELECT l.rec, COALESCE(h.parent, l.label) AS label "
    "FROM unify_label AS l LEFT JOIN unify_hook AS h ON h.root = l.label",
)
CONTRACT = make(
    "unify_edge",
    """
SELECT DISTINCT GREATEST(x.a, x.b) AS a, LEAST(x.a, x.b) AS b
FROM (
  SELECT COALESCE(h.parent, e.a) AS a, COALESCE(g.parent, e.b) AS b
  FROM unify_edge AS e
  LEFT JOIN unify_hook AS h ON h.root = e.a
  LEFT JOIN unify_hook AS g ON g.root = e.b
) AS x
WHERE x.a <> x.b
""",
)


def edges(profile: Profile) -> list[Statement]:
    """Return the statements that add the edges of each rule.

    Each record gets one edge to the first record with the same values, so the edges stay linear.
    """
    position = {f.name: f"f{i}" for i, f in enumerate(profile.fields)}
    rules = [tuple(position[name] for name in match.fields) for match in profile.matches]
    limits: list[int | None] = [_most(profile, match) for match in profile.matches]
    # People type an address in many ways, so its canonical form is compared (S29).
    forms = [canonical_addresses.compared(profile, rule) for rule in rules]
    names = [m.source for m in profile.mappings]
    if len(set(names)) < len(names):
        # Two mappings of one source give two records of one row. They are one customer.
        rules.append(("source", "key"))
        limits.append(None)
        forms.append(exp.to_table("unify_record"))
    found = (_edges_of(*each) for each in zip(rules, forms, limits, strict=True))
    return [*found, newcomers.EDGES]


def _most(profile: Profile, match: ExactMatch) -> int:
    """Return how many records may have a value before it counts as a placeholder (S26).

    Mappings of one source give records of one row, so they count once.
    """
    giving = [m.source for m in profile.mappings if m.fields.keys() >= {*match.fields}]
    return match.at_most * max((giving.count(name) for name in giving), default=1)


def _groups(
    rule: tuple[str, ...], records: exp.Expr, shown: list[exp.Expr], having: exp.Expr
) -> exp.Select:
    """Return the query for the values of a rule that several records have, with columns for each."""
    groups = select(
        shown,
        "SELECT 1 FROM {records} AS r WHERE {known} HAVING {having}",
        records=records.copy(),
        known=all_of([fill("NOT {a} IS NULL", a=column("r", name)) for name in rule]),
        having=having,
    )
    assert isinstance(groups, exp.Select)
    groups.set("group", exp.Group(expressions=[column("r", name) for name in rule]))
    return groups


def placeholders(profile: Profile) -> list[tuple[ExactMatch, Statement]]:
    """Return for each match the query for the values that too many records have, so that they join
    nobody.

    Shape: (records, value of each field), the most frequent first.
    """
    position = {f.name: f"f{i}" for i, f in enumerate(profile.fields)}
    found = []
    for match in profile.matches:
        rule = tuple(position[name] for name in match.fields)
        values = (fill("CAST({a} AS VARCHAR)", a=column("r", name)) for name in rule)
        shown = [fill("COUNT(*) AS n"), *(named(v, f"v{i}") for i, v in enumerate(values))]
        having = fill("COUNT(*) > {n}", n=number(_most(profile, match)))
        groups = _groups(rule, canonical_addresses.compared(profile, rule), shown, having)
        found.append((match, query("SELECT * FROM {g} AS g ORDER BY g.n DESC LIMIT 20", g=groups)))
    return found


def _edges_of(rule: tuple[str, ...], records: exp.Expr, most: int | None) -> Statement:
    keys = [named(column("r", name), f"k{i}") for i, name in enumerate(rule)]
    several = fill("COUNT(*) > 1")
    if most is not None:
        several = fill("COUNT(*) BETWEEN 2 AND {n}", n=number(most))
    groups = _groups(rule, records, [*keys, fill("MIN(r.rec) AS hub")], several)
    same = [
        fill("{a} = {b}", a=column("r", name), b=column("g", f"k{i}"))
        for i, name in enumerate(rule)
    ]
    return query(
        "INSERT INTO unify_edge (a, b) SELECT r.rec, g.hub FROM {records} AS r "
        "JOIN {groups} AS g ON {same} WHERE r.rec > g.hub",
        records=records.copy(),
        groups=groups,
        same=all_of(same),
    )
