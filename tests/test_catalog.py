"""`cij catalog refresh`: what is written of the rows of sources, and what never is."""

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cij.cli.exits import Exit
from cij.compiler.personal import names_a_person
from tests.conftest import Cij

TOML = '[project]\nname = "x"\ntimezone = "Europe/Madrid"\n'
SOURCE = """source people {{
  kind = csv
  path = "people.csv"
  key = id
  {more}
}}
"""
ROWS = [
    "id,email,tier,points,born_on,last_seen,price,note,hidden",
    "1,a@example.com,gold,10,1990-01-01,2026-01-01 10:00,1.50,one,x",
    "2,b@example.com,gold,,1991-01-01,2026-03-01 10:00,20,two,x",
    "3,c@example.com,silver,-7,1992-01-01,,3.25,three,y",
    "4,d@example.com,silver,300,,2026-02-01 10:00,,four,y",
]

Make = Callable[[str], Path]


@pytest.fixture
def project(tmp_path: Path) -> Make:
    def make(more: str = "") -> Path:
        (tmp_path / "cij.toml").write_text(TOML)
        (tmp_path / "a.journey").write_text(SOURCE.format(more=more))
        (tmp_path / "people.csv").write_text("\n".join(ROWS) + "\n")
        return tmp_path

    return make


def columns(folder: Path) -> dict[str, Mapping[str, Any]]:
    lock = json.loads((folder / "catalog.lock.json").read_text())
    found: dict[str, Mapping[str, Any]] = lock["sources"]["people"]["columns"]
    return found


def test_refresh_writes_shares_ranges_and_values(cij: Cij, project: Make) -> None:
    folder = project("public = [tier, points, price, last_seen, note]")
    assert cij("catalog", "refresh", folder).code == Exit.OK
    found = columns(folder)
    assert found["tier"] == {"type": "text", "unknown_share": 0.0, "values": ["gold", "silver"]}
    ends = {"unknown_share": 0.25, "low": "-7", "high": "300"}
    assert found["points"] == {"type": "integer", **ends}
    assert (found["price"]["low"], found["price"]["high"]) == ("1.5", "20")
    # Local times of the project's zone, as instants.
    assert found["last_seen"]["low"] == "2026-01-01 09:00:00"
    assert "values" not in found["note"], "texts that do not repeat are no enum"
    assert found["id"] == {"type": "integer", "unknown_share": 0.0}, "a key has no range"


def test_nothing_personal_is_written(cij: Cij, project: Make) -> None:
    folder = project("personal = [hidden]\n  public = [tier, hidden]")
    cij("catalog", "refresh", folder)
    found = columns(folder)
    for name in ("email", "born_on", "hidden"):
        assert found[name]["is_personal"] is True
        assert set(found[name]) == {"type", "unknown_share", "is_personal"}
    text = (folder / "catalog.lock.json").read_text()
    assert "@" not in text and "199" not in text and '"x"' not in text
    assert "values" in columns(folder)["tier"]


COMPARED = """
profile customer {
  from people {
    level = lower(tier)
    score = points * 2
    is_rich = price > 10
    city = note
    birthday = born_on
  }
  fields {
    own = text
  }
}
segment a { where level in ["gold"] and birthday > 1990-01-01 and note is known }
segment b { where own = city }
journey j {
  enter from segment a
  steps {
    if score > 5 { set own = "x" }
  }
}
"""


def test_values_are_kept_only_where_something_is_compared_with_them(
    cij: Cij, project: Make
) -> None:
    folder = project("")
    cij("catalog", "refresh", folder)
    shown = {"values", "low", "high"}
    assert not any(shown & set(column) for column in columns(folder).values())
    (folder / "b.journey").write_text(COMPARED)
    assert cij("catalog", "refresh", folder).code == Exit.OK
    found = {name for name, column in columns(folder).items() if shown & set(column)}
    # `born_on` is personal by its name, and texts of `note` do not repeat.
    assert found == {"tier", "points", "price"}
    (folder / "b.journey").unlink()
    (folder / "a.journey").write_text(SOURCE.format(more='where hidden = "x"'))
    cij("catalog", "refresh", folder)
    assert {n for n, c in columns(folder).items() if shown & set(c)} == {"hidden"}


def test_a_column_that_is_named_must_be_there(cij: Cij, project: Make) -> None:
    folder = project("personal = [hiden]\n  public = [teir]")
    cij("catalog", "refresh", folder)
    done = cij("check", folder, "--format", "concise")
    assert "no column `hiden`" in done.out and "no column `teir`" in done.out


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *(
            (n, True)
            for n in [
                "email",
                "e_mail",
                "Email",
                "phone_number",
                "name",
                "first_name",
                "lastName",
                "birth_date",
                "DOB",
                "street_address",
                "zip",
                "postcode",
                "customer_name",
                "direccion",
                "user_id_token",
            ]
        ),
        *(
            (n, False)
            for n in [
                "tier",
                "points",
                "product_name",
                "country",
                "status",
                "total",
                "order_id",
                "campaign_name",
                "updated_at",
                "language",
                "emailed_count",
            ]
        ),
    ],
)
def test_names_tell_what_is_personal(name: str, is_one: bool) -> None:
    assert names_a_person(name) is is_one


def test_declared_columns_keep_their_types(cij: Cij, project: Make) -> None:
    folder = project("columns {\n    id = text\n    points = decimal\n    tier = text\n  }")
    cij("catalog", "refresh", folder)
    found = columns(folder)
    assert {name: c["type"] for name, c in found.items()} == {
        "id": "text",
        "points": "decimal",
        "tier": "text",
    }
    assert found["points"]["unknown_share"] == 0.25


def test_bad_rows_do_not_count(cij: Cij, project: Make) -> None:
    folder = project("columns {\n    id = text\n    note = integer\n    tier = text\n  }")
    cij("catalog", "refresh", folder)
    assert columns(folder)["note"] == {"type": "integer", "unknown_share": 1.0}


def test_refresh_is_made_the_same_again(cij: Cij, project: Make) -> None:
    folder = project("")
    cij("catalog", "refresh", folder)
    first = (folder / "catalog.lock.json").read_bytes()
    (folder / "people.csv").write_text("\n".join([ROWS[0], *reversed(ROWS[1:])]) + "\n")
    done = cij("catalog", "refresh", folder)
    assert "up to date" in done.out and (folder / "catalog.lock.json").read_bytes() == first


def test_stale_catalogs_are_told(cij: Cij, project: Make) -> None:
    folder = project("")
    cij("catalog", "refresh", folder)
    assert cij("catalog", "refresh", "--check", folder).code == Exit.OK
    (folder / "people.csv").write_text("\n".join(ROWS[:-1]) + "\n")
    before = (folder / "catalog.lock.json").read_bytes()
    done = cij("catalog", "refresh", "--check", folder)
    assert done.code == Exit.ERRORS and "is stale" in done.out
    assert (folder / "catalog.lock.json").read_bytes() == before
    os.utime(folder / "catalog.lock.json", (0, 0))
    assert "is older than people.csv" in cij("catalog", folder).err


def test_a_source_that_is_new_is_told(cij: Cij, project: Make) -> None:
    folder = project("")
    cij("catalog", "refresh", folder)
    new = 'source cards {\n  kind = csv\n  path = "c.csv"\n  key = n\n  columns {\n    n = text\n  }\n}'
    (folder / "b.journey").write_text(new)
    assert "has nothing about source cards" in cij("catalog", folder).err


def test_a_table_of_sqlite_is_surveyed_too(cij: Cij, tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text(TOML)
    settings = 'kind = sqlite\n  path = "a.db"\n  table = "t"\n  key = id\n  public = [state]'
    (tmp_path / "a.journey").write_text(f"source people {{\n  {settings}\n}}\n")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER, state TEXT)")
        rows = [(i, "open" if i % 2 else "closed") for i in range(10)]
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        connection.commit()
    assert cij("catalog", "refresh", tmp_path).code == Exit.OK
    assert columns(tmp_path)["state"]["values"] == ["closed", "open"]


def test_check_alone_is_no_use(cij: Cij, project: Make) -> None:
    assert cij("catalog", "--check", project("")).code == Exit.USAGE
