"""Unifying: clusters against a union-find, ids over runs, merging of fields, consent."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from cij.compiler import program as pr
from cij.compiler.sql import query
from cij.runtime.engine import Engine, open_engine
from cij.runtime.refresh import RefreshReport, prepare, refresh
from tests.builders import (
    SHARED,
    call,
    column,
    compiled,
    consent,
    equals,
    exact,
    mapping,
    profile_field,
    program,
    source,
    text,
    topic,
    write_csv,
)
from tests.draws import draws

NOW = datetime(2026, 3, 2, 10)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    yield engine
    engine.close()


def rows(engine: Engine, text: str) -> list[tuple[Any, ...]]:
    return engine.rows(query(text))


def groups(engine: Engine) -> set[frozenset[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for of, key, customer in rows(
        engine, "SELECT k.source, k.key, k.customer FROM customer_key AS k WHERE k.is_present"
    ):
        found[customer].add((of, key))
    return {frozenset(members) for members in found.values()}


def ids(engine: Engine) -> dict[str, str]:
    return dict(rows(engine, "SELECT k.source || k.key, k.customer FROM customer_key AS k"))


class UnionFind:
    """The textbook, to compare with."""

    def __init__(self) -> None:
        self.parent: dict[Any, Any] = {}

    def find(self, x: Any) -> Any:
        self.parent.setdefault(x, x)
        while self.parent[x] != x:
            self.parent[x] = self.parent[self.parent[x]]
            x = self.parent[x]
        return x

    def join(self, a: Any, b: Any) -> None:
        self.parent[self.find(a)] = self.find(b)

    def sets(self, members: Iterable[Any]) -> set[frozenset[Any]]:
        found: dict[Any, set[Any]] = defaultdict(set)
        for member in members:
            found[self.find(member)].add(member)
        return {frozenset(group) for group in found.values()}


Record = tuple[str, str, dict[str, str]]
RULES = (("email",), ("name", "phone"))


def by_union_find(records: Iterable[Record]) -> set[frozenset[tuple[str, str]]]:
    found, members = UnionFind(), []
    for of, key, values in records:
        members.append((of, key))
        for rule in RULES:
            if all(values[name] for name in rule):
                found.join((of, key), (rule, *(values[name] for name in rule)))
    return found.sets(members)


TWO = program(
    # What is drawn next may hold none of the rows before: that is no broken export here.
    [
        source(s, {"email": "text", "name": "text", "phone": "text"}, may_lose="1")
        for s in ("a", "b")
    ],
    [mapping(s, "email", "name", "phone") for s in ("a", "b")],
    [exact(*rule).model_copy(update={"at_most": 100}) for rule in RULES],
)


def load(engine: Engine, folder: Path, records: Iterable[Record]) -> RefreshReport:
    records = list(records)
    for of in ("a", "b"):
        lines = [f"{k},{v['email']},{v['name']},{v['phone']}" for s, k, v in records if s == of]
        write_csv(folder, of, "id,email,name,phone", *lines)
    # Two writes within one tick of the file system's clock look like no change.
    prepare(engine, TWO)
    engine.execute(query("DELETE FROM loaded_source"))
    return refresh(engine, TWO, folder, NOW)


values = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["", *(f"e{i}" for i in range(8))]),
        "name": st.sampled_from(["", "n1", "n2", "n3"]),
        "phone": st.sampled_from(["", "p1", "p2", "p3"]),
    }
)
keys = st.tuples(st.sampled_from("ab"), st.integers(1, 30).map(str))
record_lists = st.dictionaries(keys, values, max_size=25).map(
    lambda found: [(s, k, v) for (s, k), v in found.items()]
)


@pytest.mark.slow
@settings(max_examples=draws(3))
@given(records=record_lists)
def test_clusters_are_those_of_a_union_find(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record]
) -> None:
    engine = open_engine(None)
    load(engine, tmp_path_factory.mktemp("data"), records)
    assert groups(engine) == by_union_find(records)
    engine.close()


@pytest.mark.slow
@settings(max_examples=draws(3))
@given(records=record_lists, more=record_lists, random=st.randoms(use_true_random=False))
def test_ids_are_stable(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], more: list[Record], random: Any
) -> None:
    engine, folder = open_engine(None), tmp_path_factory.mktemp("data")
    load(engine, folder, records)
    first = ids(engine)
    random.shuffle(records)
    report = load(engine, folder, records)
    assert ids(engine) == first
    assert not report.merged and not report.split
    there = {(s, k) for s, k, _ in records}
    report = load(engine, folder, records + [r for r in more if (r[0], r[1]) not in there])
    later = ids(engine)
    alias = dict(report.merged)
    assert not report.split
    assert {k: alias.get(id, id) for k, id in first.items()} == {k: later[k] for k in first}
    engine.close()


@pytest.mark.slow
@settings(max_examples=draws(3))
@given(runs=st.lists(record_lists, min_size=2, max_size=4))
def test_whatever_happens_ids_are_one_to_one_with_clusters(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[Record]]
) -> None:
    engine, folder = open_engine(None), tmp_path_factory.mktemp("data")
    for records in runs:
        load(engine, folder, records)
        assert groups(engine) == by_union_find(records)
        customers = [id for (id,) in rows(engine, "SELECT c.id FROM customer AS c")]
        assert len(set(customers)) == len(customers) == len(groups(engine))
        aliases = dict(rows(engine, "SELECT a.alias, a.customer FROM customer_alias AS a"))
        assert not set(aliases) & (set(customers) | set(aliases.values()))
    engine.close()


# --- identity ---------------------------------------------------------------------------------


def person(of: str, key: str, email: str = "", name: str = "", phone: str = "") -> Record:
    return (of, key, {"email": email, "name": name, "phone": phone})


def test_a_long_chain_is_one_customer(engine: Engine, tmp_path: Path) -> None:
    chain = [person("a", f"{i}", f"e{i // 2}", "n", f"p{(i + 1) // 2}") for i in range(500)]
    load(engine, tmp_path, chain)
    assert len(groups(engine)) == 1


@pytest.mark.slow
def test_the_older_id_survives_a_merger(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, [person("b", "1", "x")])
    load(engine, tmp_path, [person("b", "1", "x"), person("a", "1", "y")])
    before = ids(engine)
    bridge = person("a", "2", "y", "n", "p")
    report = load(
        engine, tmp_path, [person("b", "1", "x", "n", "p"), person("a", "1", "y"), bridge]
    )
    assert report.merged == ((before["a1"], before["b1"]),)
    assert set(ids(engine).values()) == {before["b1"]}
    assert rows(engine, "SELECT m.alias, m.customer, m.at FROM merged AS m") == [
        (before["a1"], before["b1"], NOW)
    ]


@pytest.mark.slow
def test_the_part_with_the_first_record_keeps_the_id(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, [person("b", "1", "x")])
    load(engine, tmp_path, [person("a", "1", "x"), person("b", "1", "x")])
    (id,) = set(ids(engine).values())
    report = load(engine, tmp_path, [person("a", "1", "x"), person("b", "1", "z")])
    found = ids(engine)
    assert found["a1"] == id != found["b1"]
    assert report.split == ((id, found["b1"]),)


@pytest.mark.slow
def test_who_comes_back_is_the_same(engine: Engine, tmp_path: Path) -> None:
    everybody = [person("a", "1", "x"), person("b", "8", "z"), person("b", "7", "y")]
    load(engine, tmp_path, everybody)
    before = ids(engine)
    # One of the two of source b is gone; a source without any rows would be refused.
    assert load(engine, tmp_path, everybody[:2]).profiles == 2
    load(engine, tmp_path, everybody)
    assert ids(engine) == before


# --- merging ----------------------------------------------------------------------------------


def customers(engine: Engine, *names: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(f'c."{name}"' for name in names)
    return sorted(rows(engine, f"SELECT {columns} FROM customer AS c"), key=repr)


MERGING = """
source shop {
  kind = csv
  path = "shop.csv"
  key = id
  columns {
    id = text
    email = text
    name = text
    points = integer
    changed = date
  }
}
source cards {
  kind = csv
  path = "cards.csv"
  key = id
  columns {
    id = text
    email = text
    name = text
    points = integer
    changed = date
  }
}
profile customer {
  from shop {
    email = lower(trim(email))
    name = name
    points = points
  }
  from cards {
    email = lower(trim(email))
    name = name
    points = points
  }
  match by_email {
    exact = [email]
  }
  merge email {
    prefer = [shop]
  }
  merge name {
    prefer = [cards, shop]
  }
  merge points {
    prefer = latest(shop.changed, cards.changed)
  }
}
"""


@pytest.mark.parametrize(("rule", "points"), [("latest", None), ("last known", 10)])
def test_fields_are_merged_by_their_policy(
    engine: Engine, tmp_path: Path, rule: str, points: int | None
) -> None:
    write_csv(
        tmp_path,
        "shop",
        "id,email,name,points,changed",
        "2,A@x ,Ann 2,20,2026-01-01",
        "1,a@x,,10,2026-01-05",
        "3,b@x,,,",
        "4,,Nobody,1,",
        "5,  ,Blank,1,",
    )
    write_csv(
        tmp_path, "cards", "id,email,name,points,changed", "9,a@x,Anna,,2026-02-01", "8,b@x,Bob,7,"
    )
    refresh(engine, compiled(MERGING.replace("latest(", f"{rule}(")), tmp_path, NOW)
    # The latest record of a@x does not know the points. No record of b@x has a time.
    assert customers(engine, "email", "name", "points") == [
        ("a@x", "Anna", points),
        ("b@x", "Bob", 7),
        (None, "Blank", 1),
        (None, "Nobody", 1),
    ]


def test_a_zone_that_does_not_exist_is_the_projects(engine: Engine, tmp_path: Path) -> None:
    write_csv(
        tmp_path, "shop", "id,timezone", "1,Asia/Tokyo", "2,Mars/Base", "3,", "4,../../etc/passwd"
    )
    built = program(
        [source("shop", {"timezone": "text"})],
        [mapping("shop", "timezone")],
        timezone="Europe/Vienna",
    )
    refresh(engine, built, tmp_path, NOW)
    assert customers(engine, "zone") == [("Asia/Tokyo",), *[("Europe/Vienna",)] * 3]
    named = {name for (name,) in rows(engine, "SELECT DISTINCT z.name FROM zone AS z")}
    assert named == {"Asia/Tokyo", "Europe/Vienna", "UTC"}


# --- consent ----------------------------------------------------------------------------------


def with_consents() -> pr.Program:
    sources = [source(s, {"email": "text", "news": "boolean"}) for s in ("shop", "cards")]
    mappings = [
        mapping(s, "email", consents=[consent("news", column(s, "news", "boolean"))])
        for s in ("shop", "cards")
    ]
    topics = [
        topic("news", "email", "sms"),
        topic("care", "email", consent="opt_out"),
        topic("bills", "email", consent="none"),
    ]
    return program(sources, mappings, [exact("email")], topics=topics)


NAMES = ("email", "consent.news.email", "consent.news.sms", "consent.care.email")


def test_a_refusal_of_any_source_wins(engine: Engine, tmp_path: Path) -> None:
    write_csv(tmp_path, "shop", "id,email,news", "1,a,yes", "2,b,yes", "3,c,", "4,d,")
    write_csv(tmp_path, "cards", "id,email,news", "1,a,no", "2,b,", "3,c,yes")
    refresh(engine, with_consents(), tmp_path, NOW)
    assert customers(engine, *NAMES, "consent.bills.email") == [
        ("a", False, False, True, True),
        ("b", True, True, True, True),
        ("c", True, True, True, True),
        ("d", False, False, True, True),
    ]


def test_the_latest_change_survives_every_refresh(engine: Engine, tmp_path: Path) -> None:
    write_csv(tmp_path, "shop", "id,email,news", "1,a,yes")
    write_csv(tmp_path, "cards", "id,email,news")
    prepare(engine, with_consents())
    refresh(engine, with_consents(), tmp_path, NOW)
    ((id,),) = customers(engine, "id")
    minute = timedelta(minutes=1)
    changes = [
        ("news", "email", True, NOW - minute),
        ("news", "email", False, NOW),
        ("news", "email", True, NOW),
        ("news", "sms", False, NOW),
        ("news", "sms", True, NOW + minute),
        ("care", "email", False, NOW),
    ]
    names = ("topic", "channel", "granted", "at")
    columns = dict(zip(names, zip(*changes, strict=True), strict=True))
    engine.append("consent_change", {"customer": [id] * len(changes), **columns})
    write_csv(tmp_path, "shop", "id,email,news", "1,a,yes", "2,b,yes")
    refresh(engine, with_consents(), tmp_path, NOW)
    assert customers(engine, *NAMES) == [("a", False, True, False), ("b", True, True, True)]


@pytest.mark.slow
def test_refusals_follow_mergers_and_splits(engine: Engine, tmp_path: Path) -> None:
    write_csv(tmp_path, "shop", "id,email,news", "1,a,yes")
    write_csv(tmp_path, "cards", "id,email,news", "1,b,yes")
    refresh(engine, with_consents(), tmp_path, NOW)
    (id,) = [id for id, email in customers(engine, "id", "email") if email == "b"]
    columns = {"customer": [id], "topic": ["news"], "channel": ["sms"], "granted": [False]}
    engine.append("consent_change", {**columns, "at": [NOW]})
    write_csv(tmp_path, "cards", "id,email,news", "1,a,yes", "2,a,yes")
    refresh(engine, with_consents(), tmp_path, NOW)
    assert customers(engine, *NAMES) == [("a", True, False, True)]
    write_csv(tmp_path, "cards", "id,email,news", "1,other,yes")
    refresh(engine, with_consents(), tmp_path, NOW)
    assert customers(engine, *NAMES) == [("a", True, False, True), ("other", True, False, True)]


# --- real data --------------------------------------------------------------------------------

COFFEE = SHARED / "data" / "contoso_coffee"


@pytest.mark.skipif(not COFFEE.exists(), reason="needs the data sets in ../shared/data")
def test_the_coffee_shop(engine: Engine) -> None:
    files = {"contact": "ContactId", "customer_loyalty": "LoyaltyId"}
    built = program(
        [source(s, {"EMail": "text", "FirstName": "text"}, key=k) for s, k in files.items()],
        [mapping(s, email=call("lower", column(s, "EMail"))) for s in files],
        [exact("email")],
    )
    report = refresh(engine, built, COFFEE, NOW)
    expected, members = UnionFind(), []
    for of, key in files.items():
        with (COFFEE / f"{of}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                members.append((of, row[key]))
                if row["EMail"]:
                    expected.join(members[-1], row["EMail"].lower())
    assert [s.read for s in report.sources] == [5000, 5002]
    assert groups(engine) == expected.sets(members)
    assert report.profiles == len(groups(engine))


def test_the_first_source_is_enough(engine: Engine, tmp_path: Path) -> None:
    """A condition in a mapping, one source, no rule: every row is a customer."""
    write_csv(tmp_path, "shop", "id,email", "1,a", "2,a", "3,")
    is_a = equals(column("shop", "email"), text("a"))
    built = program(
        [source("shop", {"email": "text"})],
        [mapping("shop", "email", is_a=is_a)],
        fields=[profile_field("email"), profile_field("is_a", "boolean")],
    )
    refresh(engine, built, tmp_path, NOW)
    assert customers(engine, "email", "is_a") == [("a", True), ("a", True), (None, False)]


# --- placeholders -----------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "at_most", "people"), [(20, 20, 2), (21, 20, 22), (4, 3, 5)])
def test_a_value_of_very_many_records_joins_nobody(
    engine: Engine, tmp_path: Path, count: int, at_most: int, people: int
) -> None:
    match = exact("email").model_copy(update={"at_most": at_most})
    one = program([source("a", {"email": "text"})], [mapping("a", "email")], [match])
    many = [f"{n},{'None' if n else 'none'}@example.com" for n in range(count)]
    write_csv(tmp_path, "a", "id,email", *many, "x,x@b.example", "y,X@b.example")
    prepare(engine, one)
    report = refresh(engine, one, tmp_path, NOW)
    assert report.profiles == people
    said = [line for line in report.lines() if "joins nobody" in line]
    assert len(said) == (people > 2)
    for line in said:
        assert f"{count} records have none@example.com, more than the {at_most}" in line


def test_a_row_that_is_mapped_twice_counts_once(engine: Engine, tmp_path: Path) -> None:
    match = exact("email").model_copy(update={"at_most": 3})
    one = program([source("a", {"email": "text"})], [mapping("a", "email")] * 2, [match])
    write_csv(tmp_path, "a", "id,email", "1,a@b.example", "2,a@b.example", "3,a@b.example")
    prepare(engine, one)
    assert refresh(engine, one, tmp_path, NOW).profiles == 1
