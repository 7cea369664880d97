"""Entities: what a path through relations means, from the file to the message."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cij.app.compile import compile_path
from cij.cli.exits import Exit
from tests.conftest import Cij
from tests.entities_project import DATA, FILES, FINDS, NOW, write
from tests.finding import people_found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return who is in a segment of each condition."""
    folder = tmp_path_factory.mktemp("finds")
    return people_found(FINDS, lambda more: write(folder, more), NOW)


@pytest.mark.parametrize("condition", FINDS)
def test_conditions_find(found: dict[str, str], condition: str) -> None:
    assert found[condition] == FINDS[condition]


JOURNEY = """
message email thanks {{
  topic = service
  locale "en" {{
    subject = "{subject}"
    body = "{body}"
  }}
}}

journey go {{
  enter on purchase where product.category = "coffee"

  steps {{
    if trigger.product.shop.city = "Madrid" {{
      thanks: send email thanks
    }}
  }}
}}
"""


@pytest.mark.slow
def test_messages_read_through_relations(cij: Cij, tmp_path: Path) -> None:
    body = "{{ trigger.product.title | default: '?' }} from {{ trigger.product.shop.region.name | default: '?' }}"
    subject = "In {{ favourite.city | default: 'town' }}, {{ favourite.region.name | default: '' }}"
    folder = write(tmp_path, JOURNEY.format(subject=subject, body=body))
    done = cij("run", folder, "--once")
    assert done.code == Exit.OK, done.err
    assert list((folder / "outbox").rglob("*.eml")) == []
    at = datetime.now(UTC).isoformat(sep=" ")
    (folder / "orders.csv").write_text(f"{FILES['orders']}o9,ana,p1,1,{at}\n")
    assert cij("run", folder, "--once").code == Exit.OK
    [mail] = (folder / "outbox").rglob("*.eml")
    text = mail.read_text()
    assert "Subject: In Madrid, South" in text and "Espresso from South" in text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{{ trigger.product }}", "CIJ601 `trigger.product` is a whole row"),
        ("{{ favourite }}", "CIJ601 `favourite` is a whole row"),
        ("{{ favourite.region | default: 'x' }}", "CIJ601 `favourite.region` is a whole row"),
        ("{{ favourite.town | default: 'x' }}", "CIJ601 `favourite.town` leads to no field"),
        ("{{ trigger.product.name | default: 'x' }}", "CIJ601 `trigger.product.name` leads to no"),
        ("{{ favourite.city }}", "CIJ602 `favourite.city` has no value for some"),
        ("{{ trigger.product.title }}", "CIJ602 `trigger.product.title` has no value for some"),
    ],
)
def test_messages_are_checked(cij: Cij, tmp_path: Path, body: str, words: str) -> None:
    folder = write(tmp_path, JOURNEY.format(subject="Hi", body=body))
    done = cij("check", folder, "--format", "concise")
    assert words in done.out and done.code == Exit.ERRORS, done.out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("source = products\n  key = id", "source = product\n  key = id", "no source `product`"),
        ("source = products\n  key = id", "source = products", "needs `key`"),
        ("source = products\n  key = id", "key = id", "needs `source`"),
        (
            "source = products\n  key = id",
            "source = products\n  key = title",
            "must be the key of its source",
        ),
        ("product = product(product)", "product = product(shop)", "the key of `product` is text"),
        ("product = product(product)", "product = produkt(product)", "no function `produkt`"),
        ("product = product(product)", "product = product(nothing)", "no column `nothing`"),
        ("    city = city\n", "    city = town\n", "no column `town`"),
        ("region = region(region)", "region = region(id)", "the key of `region` is text"),
        ("entity region", "entity count", "`count` already means something"),
        ("sum(purchase.product.price)", "sum(purchase.product.cost)", "has no field `cost`"),
        ("sum(purchase.product.price)", "sum(purchase.product.price.x)", "has no field `x`"),
        ("sum(purchase.product.price)", "sum(purchase.product)", "needs numbers"),
        ("sum(purchase.product.price)", "max(purchase.product)", "product has none"),
        (
            "sum(purchase.product.price)",
            'count(purchase where product = "p1")',
            "a product with text",
        ),
        ("sum(purchase.product.price)", "count(purchase where product < product)", "a whole row"),
        ("sum(purchase.product.price)", "count(purchase where shop = product)", "cannot compare"),
        (
            "sum(purchase.product.price)",
            'count(purchase where product("p") is known)',
            "there are no columns here",
        ),
    ],
)
def test_mistakes_are_told(cij: Cij, tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in DATA
    done = cij("check", write(tmp_path, "", DATA.replace(old, new)), "--format", "concise")
    assert words in done.out and done.code == Exit.ERRORS, done.out


@pytest.mark.slow
def test_new_rows_of_an_entity_change_segments(cij: Cij, tmp_path: Path) -> None:
    body = JOURNEY.format(subject="Hi", body="Hi").replace(
        'on purchase where product.category = "coffee"', "from segment north"
    )
    body = body.replace('trigger.product.shop.city = "Madrid"', 'favourite.city = "Oslo"')
    segment = '\nsegment north {\n  where favourite.region.name = "North"\n}\n'
    folder = write(tmp_path, segment + body)
    (folder / "regions.csv").write_text("id,name,opened\nsouth,South,2020-01-01\n")
    assert cij("run", folder, "--once").code == Exit.OK
    assert not list((folder / "outbox").rglob("*.eml"))
    (folder / "regions.csv").write_text(FILES["regions"])
    assert cij("run", folder, "--once").code == Exit.OK
    assert len(list((folder / "outbox").rglob("*.eml"))) == 1


def test_stories_name_rows_by_their_key(cij: Cij, tmp_path: Path) -> None:
    story = """
segment settled {
  where favourite is known and favourite.city is unknown
}

test "a row that is not there" for go {
  clock 2026-03-02 10:00
  given customer "ana" {
    email = "ana@x.com"
    favourite = 1
  }
  event purchase by "ana" {
    product = "p1"
  }
  expect "ana" in segment settled
  expect nothing sent to "ana"
}
"""
    folder = write(tmp_path, JOURNEY.format(subject="Hi", body="Hi") + story)
    done = cij("test", folder)
    assert done.code == Exit.OK, done.out + done.err


def test_commands_show_entities(cij: Cij, tmp_path: Path) -> None:
    folder = write(tmp_path)
    catalog = cij("catalog", folder).out
    assert "entity product (products)" in catalog and "shop      shop" in catalog
    assert '"#key"' in cij("sql", folder, "product").out
    explained = cij("explain", "product", folder).out
    assert "One for each row of source products." in explained


def test_an_entity_is_part_of_a_version(tmp_path: Path) -> None:
    more = JOURNEY.format(subject="Hi", body="Hi")

    def version(data: str) -> str:
        program = compile_path(write(tmp_path, more, data)).compilation.program
        assert program is not None
        return program.journeys[0].version

    before = version(DATA)
    assert version(DATA.replace("    category = category\n", "    category = title\n")) != before
    assert version(DATA.replace("    opened = opened\n", "")) == before
