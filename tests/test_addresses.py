"""Addresses have one canonical form wherever they are compared, and one in which they are sent (S29)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.app.config import load_settings
from cij.compiler import program as pr
from cij.compiler.addresses import (
    NoAddress,
    canonical,
    mailbox,
    named_mailbox,
    phone_number,
    told_address,
)
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.sql import query
from cij.compiler.sql.columns import column
from cij.compiler.sql.send_rules import on_list
from cij.runtime import canonical_addresses, suppression
from cij.runtime.deploy import deploy, prepare
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import ConfigError
from cij.runtime.insight.person import find
from cij.runtime.refresh import refresh, take_in
from cij.runtime.tick import tick
from tests.builders import event, exact, mapping, program, rows, source, topic, write_csv
from tests.calling import DATA
from tests.testbed import TestBed
from tests.tiny import HEAD as TINY

NOW = datetime(2026, 3, 2, 10)
EMAILS = [
    (" Bob@Example.com ", "bob@example.com"),
    ("bob@EXÄMPLE.com", "bob@xn--exmple-cua.com"),
    ("bob@xn--exmple-cua.com", "bob@xn--exmple-cua.com"),
    ("bob@straße.example", "bob@xn--strae-oqa.example"),
    ("ana@münchen.example", "ana@xn--mnchen-3ya.example"),
    # Written with a combining sign.
    ("ana@mu\u0308nchen.example", "ana@xn--mnchen-3ya.example"),
    ("n/a", "n/a"),
    ("a@☃.net", "a@☃.net"),
]
PHONES = [
    ("+34600000001", None, "+34600000001"),
    ("600 000 001", "ES", "+34600000001"),
    ("0034 600-000-001", "ES", "+34600000001"),
    ("+44 (0)20 7946 0000", None, "+442079460000"),
    ("(020) 7946 0000", "GB", "+442079460000"),
    ("600000001", None, "600000001"),
    ("Unknown", "ES", "unknown"),
]


@pytest.mark.parametrize(("written", "form"), EMAILS)
def test_the_form_of_an_email_address(written: str, form: str) -> None:
    assert canonical("email", written, None) == form
    assert canonical("email", form, None) == form


@pytest.mark.parametrize(("written", "region", "form"), PHONES)
def test_the_form_of_a_phone_number(written: str, region: str | None, form: str) -> None:
    assert canonical("phone", written, region) == form
    assert canonical("phone", form, region) == form


def test_what_is_sent_keeps_the_local_part_as_written() -> None:
    assert mailbox(" Bob@STRASSE.example ") == "Bob@strasse.example"
    assert mailbox("Bob@straße.example") == "Bob@xn--strae-oqa.example"
    assert phone_number("600 000 001", "ES") == "+34600000001"
    with pytest.raises(NoAddress, match="set `region`"):
        phone_number("600 000 001", None)


def test_a_long_text_is_no_address_and_is_not_searched() -> None:
    assert told_address("email", "a@" + "." * 1_000_000 + "@", None) is None


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Acme, Inc. <hello@acme.example>", "Acme, Inc."),
        ('"Acme, \\"Inc\\"" <hello@acme.example>', 'Acme, "Inc"'),
        ("Acme: the <shop> <hello@acme.example>", "Acme: the <shop>"),
        ("<hello@acme.example>", ""),
        ("hello@acme.example", ""),
    ],
)
def test_a_sender_may_have_any_name(written: str, name: str) -> None:
    assert named_mailbox(written) == (name, "hello@acme.example")


@pytest.mark.parametrize("wrong", ["Acme, Inc.", "a@b@c.example", "Acme <>", "x <a@b.c> y", ""])
def test_what_is_no_sender_is_refused_before_anything_is_sent(tmp_path: Path, wrong: str) -> None:
    toml = f'[project]\nname = "p"\ntimezone = "UTC"\n[delivery.email]\nkind = "files"\nfrom = "{wrong}"\n'
    (tmp_path / "cij.toml").write_text(toml, encoding="utf-8")
    with pytest.raises(ConfigError, match="is not an email address"):
        load_settings(tmp_path / "cij.toml")
    message = f"""
topic transactional {{ channels = [email] consent = none }}
message email hi {{
  topic = transactional
  reply_to = "{wrong}"
  locale "en" {{ subject = "Hi" body = "Hi" }}
}}
"""
    assert any("is not an email address" in words for words in _said(DATA + message))


def test_a_region_that_is_none_is_refused(tmp_path: Path) -> None:
    toml = '[project]\nname = "p"\ntimezone = "UTC"\nregion = "XX"\n'
    (tmp_path / "cij.toml").write_text(toml, encoding="utf-8")
    with pytest.raises(ConfigError, match="`XX` is not the code of a country"):
        load_settings(tmp_path / "cij.toml")


# --- in the store -----------------------------------------------------------------------------


def _said(text: str) -> list[str]:
    settings = ProjectSettings("test", "UTC")
    return [d.message for d in compile_project(settings, {"a.journey": text}, {}, {}).diagnostics]


def shop(region: str | None = "ES") -> pr.Program:
    fields = {"email": "text", "phone": "text"}
    sources = [source("shop", fields), source("cards", fields)]
    mappings = [mapping("shop", "email", "phone"), mapping("cards", "email", "phone")]
    visit = event("visit", None, {"page": "text"})
    made = program(
        sources, mappings, [exact("email"), exact("phone")], events=[visit], topics=[topic("news")]
    )
    return made.model_copy(update={"region": region})


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    yield engine
    engine.close()


def _load(engine: Engine, folder: Path, shop_rows: list[str], cards_rows: list[str]) -> None:
    write_csv(folder, "shop", "id,email,phone", *shop_rows)
    write_csv(folder, "cards", "id,email,phone", *cards_rows)
    refresh(engine, shop(), folder, NOW)


def _visit(engine: Engine, who: str) -> tuple[int, int]:
    taken = take_in(engine, shop(), [{"event": "visit", "customer": who, "id": who}], NOW)
    return taken.created, len(taken.refused)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,Bob@Example.com,", "9,bob@example.com,"),
        ("1,bob@exämple.com,", "9,BOB@xn--exmple-cua.com,"),
        ("1,,600 000 001", "9,,+34600000001"),
    ],
)
def test_records_match_by_the_form(engine: Engine, tmp_path: Path, one: str, other: str) -> None:
    _load(engine, tmp_path, [one], [other])
    assert rows(engine, "SELECT COUNT(*) FROM customer") == [(1,)]


def test_domains_that_only_look_alike_do_not_match(engine: Engine, tmp_path: Path) -> None:
    _load(engine, tmp_path, ["1,bob@straße.example,"], ["9,bob@strasse.example,"])
    assert rows(engine, "SELECT COUNT(*) FROM customer") == [(2,)]


@pytest.mark.parametrize(
    "who",
    ["Ana@EXÄMPLE.com", "ana@xn--exmple-cua.com", " ana@exämple.com ", "+34600000001", "600000001"],
)
def test_an_event_reaches_the_known_customer(engine: Engine, tmp_path: Path, who: str) -> None:
    _load(engine, tmp_path, ["1,ana@Exämple.com,600 000 001", "2,bob@example.com,"], [])
    assert _visit(engine, who) == (0, 0)
    known = "SELECT e.customer FROM event_visit AS e"
    assert rows(engine, known) == rows(engine, "SELECT c.id FROM customer AS c WHERE c.phone <> ''")
    assert [c.id for c in find(engine, shop(), who)] == [rows(engine, known)[0][0]]


def test_an_address_of_several_customers_makes_nobody_new(engine: Engine, tmp_path: Path) -> None:
    _load(engine, tmp_path, ["1,ana@example.com,+34600000001", "2,ana@x.com,+34600000002"], [])
    engine.execute(query("UPDATE customer SET email = 'ana@example.com'"))
    assert _visit(engine, "Ana@example.com") == (0, 1)


def test_an_address_in_other_forms_is_one_newcomer(engine: Engine, tmp_path: Path) -> None:
    _load(engine, tmp_path, [], [])
    found = [_visit(engine, who) for who in ("eve@exämple.com", "Eve@xn--exmple-cua.com")]
    assert found == [(1, 0), (0, 0)]


def test_another_region_computes_the_forms_anew(engine: Engine, tmp_path: Path) -> None:
    _load(engine, tmp_path, ["1,,020 7946 0000"], [])
    refresh(engine, shop("GB"), tmp_path, NOW)
    found = rows(engine, "SELECT a.canonical FROM canonical_address AS a WHERE a.field = 'phone'")
    assert found == [("+442079460000",)]


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "listed"),
    [
        ("Dan@Exämple.com", "dan@xn--exmple-cua.com"),
        ("dan@xn--exmple-cua.com", "DAN@exämple.com"),
        ("DAN@example.com", "dan@example.com "),
    ],
)
def test_the_suppression_list_holds_for_every_form(engine: Engine, has: str, listed: str) -> None:
    program = shop()
    prepare(engine, program)
    engine.append("customer", {"id": ["c1"], "zone": ["UTC"], "email": [has]})
    canonical_addresses.keep(engine, program, "email", [has])
    order = {"suppress": "add", "address": listed, "reason": "asked"}
    assert suppression.apply(engine, order, NOW).count == 1
    is_listed = on_list("email", column("c", "id"), column("c", "email"))
    found = engine.rows(query("SELECT {l} FROM customer AS c", l=is_listed))
    assert found == [(True,)]


def test_a_bounce_is_about_the_form(engine: Engine) -> None:
    bed = TestBed("", NOW)
    bed.people("dan", email="Dan@Exämple.com")
    canonical_addresses.keep(bed.engine, bed.world.program, "email", ["Dan@Exämple.com"])
    bed.event("bounced", "dan", NOW)
    assert bed.rows("SELECT s.address FROM suppression AS s") == [("dan@xn--exmple-cua.com",)]


# --- roles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["email", "phone", "device", "language", "timezone"])
def test_a_field_with_a_role_is_text(name: str) -> None:
    text = DATA.replace("email = email", f"{name} = shoe_size", 1)
    text = text.replace("email = text", "email = text\n    shoe_size = integer", 1)
    found = _said(text)
    assert any(words.startswith(f"`{name}` is the ") and "integer" in words for words in found)


# --- where to unsubscribe ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("https://shop.example/u?c={customer}", "https://shop.example/u?c={customer}"),
        ("leave@shop.example", "mailto:leave@shop.example"),
        ("mailto:leave@shop.example?subject=leave", "mailto:leave@shop.example?subject=leave"),
    ],
)
def test_a_setting_says_where_to_unsubscribe(tmp_path: Path, written: str, target: str) -> None:
    toml = '[project]\nname = "p"\ntimezone = "UTC"\n[delivery.email]\nkind = "files"\n'
    (tmp_path / "cij.toml").write_text(f'{toml}unsubscribe = "{written}"\n', encoding="utf-8")
    settings = load_settings(tmp_path / "cij.toml")
    assert getattr(settings.delivery.by_channel()["email"], "unsubscribe", None) == target


@pytest.mark.parametrize("wrong", ["shop.example/u", "javascript:x", "https://x y", "https://"])
def test_what_leads_nowhere_is_refused(tmp_path: Path, wrong: str) -> None:
    toml = '[project]\nname = "p"\ntimezone = "UTC"\n[delivery.email]\nkind = "files"\n'
    (tmp_path / "cij.toml").write_text(f'{toml}unsubscribe = "{wrong}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="unsubscribe"):
        load_settings(tmp_path / "cij.toml")


# --- addresses of several customers, and those that journeys write --------------------------------

SHARED = program(
    [source("shop", {"email": "text", "phone": "text"})],
    [mapping("shop", "email", "phone")],
    events=[
        event(name, is_interaction=True, fields={"topic": "text", "reason": "text"})
        for name in ("unsubscribed", "subscribed", "bounced", "complained", "opened")
    ],
    topics=[topic("news", "email", consent="opt_out"), topic("tips", "email", consent="opt_out")],
)


def _shared(engine: Engine, folder: Path) -> None:
    rows_of = ["1,Family@example.com,", "2,family@example.com,", "3,eve@example.com,"]
    write_csv(folder, "shop", "id,email,phone", *rows_of)
    prepare(engine, SHARED)
    refresh(engine, SHARED, folder, NOW)


def _says(engine: Engine, name: str, **more: object) -> list[str]:
    row = {"event": name, "customer": "FAMILY@example.com", "at": NOW, "id": name, **more}
    return [refused.reason for refused in take_in(engine, SHARED, [row], NOW).refused]


def test_an_unsubscribe_of_a_shared_address_is_for_all_who_have_it(
    engine: Engine, tmp_path: Path
) -> None:
    _shared(engine, tmp_path)
    assert _says(engine, "unsubscribed", fields={"topic": "news"}) == []
    consents = 'SELECT k.key, c."consent.news.email", c."consent.tips.email" FROM customer AS c '
    found = rows(engine, consents + "JOIN customer_key AS k ON k.customer = c.id ORDER BY k.key")
    assert found == [("1", False, True), ("2", False, True), ("3", True, True)]
    # The same event again changes nothing.
    assert _says(engine, "unsubscribed", fields={"topic": "news"}) == []
    assert rows(engine, "SELECT COUNT(*) FROM event_unsubscribed AS e") == [(2,)]
    refresh(engine, SHARED, tmp_path, NOW)
    assert (
        rows(engine, consents + "JOIN customer_key AS k ON k.customer = c.id ORDER BY k.key")
        == found
    )


@pytest.mark.parametrize(("name", "customers"), [("bounced", 0), ("complained", 2)])
def test_what_is_against_a_shared_address_suppresses_it(
    engine: Engine, tmp_path: Path, name: str, customers: int
) -> None:
    _shared(engine, tmp_path)
    assert _says(engine, name, channel="email") == []
    entries = suppression.entries(engine)
    assert {entry.address for entry in entries} == {"family@example.com"}
    assert len({entry.customer for entry in entries} - {None}) == customers
    assert len(entries) == max(customers, 1)


def test_other_events_of_a_shared_address_are_put_aside(engine: Engine, tmp_path: Path) -> None:
    _shared(engine, tmp_path)
    for name in ("subscribed", "opened"):
        [reason] = _says(engine, name)
        assert "several customers have the address" in reason


JOURNEY = """
journey j {
  enter on visit
  steps {
    set phone = "600 000 001"
    rest: wait 1 day
    text: send sms code
  }
}
message sms code {
  topic = service
  locale "en" {
    text = "Hello"
  }
}
"""
OWN = TINY.replace("channels = [email]", "channels = [email, sms]").replace(
    "profile customer {", "profile customer {\n  fields {\n    phone = text\n  }"
)


def test_an_address_that_a_journey_writes_has_a_form(engine: Engine, tmp_path: Path) -> None:
    settings = ProjectSettings("x", "UTC", region="ES")
    found = compile_project(settings, {"a.journey": OWN + JOURNEY}, {}, {})
    assert found.program is not None, found.diagnostics
    (tmp_path / "people.csv").write_text("person,email\n1,ana@example.com\n2,bob@example.com\n")
    world = deploy(engine, found.program, NOW)
    refresh(engine, found.program, tmp_path, NOW)
    row = {"event": "visit", "customer": "people:1", "at": NOW, "id": "v"}
    assert not take_in(engine, found.program, [row], NOW).refused
    tick(world, NOW)
    written = rows(engine, "SELECT c.id FROM customer AS c WHERE NOT c.phone IS NULL")
    # It is found by the number in any form, and the suppression list holds for it.
    assert [c.id for c in find(engine, found.program, "+34600000001")] == [written[0][0]]
    add = {"suppress": "add", "address": "0034 600000001", "channel": "sms"}
    assert suppression.apply(engine, add, NOW).count == 1
    tick(world, NOW + timedelta(days=1))
    assert rows(engine, "SELECT o.outcome FROM outbox AS o") == [("suppressed",)]
    # Another region computes all forms anew, also these.
    other = found.program.model_copy(update={"region": "FR"})
    (tmp_path / "people.csv").write_text("person,email\n1,ana@example.com\n")
    refresh(engine, other, tmp_path, NOW)
    forms = rows(engine, "SELECT a.canonical FROM canonical_address AS a WHERE a.field = 'phone'")
    assert forms == [(canonical("phone", "600 000 001", "FR"),)] != [("+34600000001",)]
