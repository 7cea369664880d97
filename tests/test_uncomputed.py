"""What cannot be computed for one customer is unknown for them, and counted (S30)."""

import json
from pathlib import Path
from typing import Any

import pytest

from cij.cli.exits import Exit
from tests.calling import CUSTOMERS, MAIL_TOML, project
from tests.conftest import Cij

PARTS = """
measure ratio {
  value = spent / points
}

segment rich {
  where points / (points - 22) > 1 or spent > 10 EUR
}

segment large {
  where rate * rate > 1
}
"""


def written(folder: Path, text: str, *rows: str) -> Path:
    made = project(folder, text, MAIL_TOML)
    (made / "customers.csv").write_text(CUSTOMERS.splitlines()[0] + "\n" + "\n".join(rows) + "\n")
    return made


def counted(cij: Cij, folder: Path) -> dict[tuple[str, str], Any]:
    done = cij("run", folder, "--once", "--json")
    assert done.code == Exit.OK, done.err
    found = json.loads(done.out)["uncomputed"]
    return {(one["kind"], one["name"]): (one["count"], one["calculation"]) for one in found}


HUGE = "1" + "0" * 27


@pytest.mark.slow
def test_a_calculation_without_a_result_is_counted(cij: Cij, tmp_path: Path) -> None:
    rows = (
        "1,,22,5,,1,,,,,,,",
        "2,,0,5,,1,,,,,,,",
        "3,,,5,,1,,,,,,,",
        f"4,,7,5,,{HUGE},,,,,,,",
        "5,,22,,,1,,,,,,,",
    )
    folder = written(tmp_path, PARTS, *rows)
    assert counted(cij, folder) == {
        ("measure", "ratio"): (1, "spent / points"),
        ("segment", "rich"): (2, "points / (points - 22)"),
        ("segment", "large"): (1, "rate * rate"),
    }
    told = cij("status", folder).out
    assert "Unknown because it cannot be computed" in told and "rate * rate" in told


STEPS = """
policy careful { never send when points / (points - 22) > 1 }

event visit { fields { page = text } }

message email hello { topic = news  locale "en" { subject = "Hi"  body = "-" } }

topic news { channels = [email]  consent = none }

journey j {
  enter on visit where customer.spent / customer.points > 2 EUR
  goal rich when points / (points - 7) > 1
  steps {
    set level = points / (points - 5)
    send email hello { part = spent / (points - 1) }
    if rate * rate > 1 { end done }
  }
}
"""


@pytest.mark.slow
def test_journeys_and_policies_are_counted_as_well(cij: Cij, tmp_path: Path) -> None:
    points = (22, 0, 7, 5, 1)
    rows = [f"{n},,{p},5,,{HUGE if n == 0 else 1},,,,,,," for n, p in enumerate(points)]
    folder = written(tmp_path, STEPS, *rows)
    text = (folder / "a.journey").read_text()
    fields = "profile customer {\n  fields { level = decimal }\n"
    (folder / "a.journey").write_text(text.replace("profile customer {\n", fields, 1))
    done = cij("run", folder, "--once", "--json")
    assert done.code == Exit.OK, done.err
    found = {(u["kind"], u["calculation"]): u["count"] for u in json.loads(done.out)["uncomputed"]}
    assert found == {
        ("policy", "points / (points - 22)"): 1,
        ("journey", "spent / points"): 1,
        ("journey", "points / (points - 7)"): 1,
        ("journey", "points / (points - 5)"): 1,
        ("journey", "spent / (points - 1)"): 1,
        ("journey", "rate * rate"): 1,
    }


@pytest.mark.slow
def test_who_lacks_a_part_is_not_counted(cij: Cij, tmp_path: Path) -> None:
    folder = written(tmp_path, PARTS, "1,,7,5,,1,,,,,,,", "2,,,,,,,,,,,,")
    assert counted(cij, folder) == {}
    assert "cannot be computed" not in cij("status", folder).out


@pytest.mark.slow
def test_a_field_that_does_not_fit_is_counted(cij: Cij, tmp_path: Path) -> None:
    folder = written(tmp_path, "", "1,,9223372036854775807,,,,,,,,,,", "2,,1,,,,,,,,,,")
    text = (folder / "a.journey").read_text()
    (folder / "a.journey").write_text(text.replace("points = points\n", "points = points + 1\n", 1))
    assert counted(cij, folder) == {("field", "points"): (1, "points + 1")}


@pytest.mark.slow
def test_rows_put_aside_are_told_by_reason(cij: Cij, tmp_path: Path) -> None:
    rows = [f"{n},,many{n},,,,,,,,,," for n in range(7)] + ["8,,,,,,,someday,,,,,"]
    folder = written(tmp_path, "", *rows, "9,,1,,,,,,,,,,")
    text = (folder / "a.journey").read_text()
    text = text.replace("key = id", "key = id\n  tolerate = 100%", 1)
    (folder / "a.journey").write_text(text)
    done = cij("run", folder, "--once", "--json")
    assert done.code == Exit.ASIDE
    found = {(r["line"], r["count"]) for r in json.loads(done.out)["bad_rows"]}
    assert found == {(2, 7), (9, 1)}
    assert "customers.csv:2" in cij("status", folder).out


@pytest.mark.slow
@pytest.mark.parametrize("is_known", [True, False])
def test_rows_that_wait_stand_beside_the_bad_ones(cij: Cij, tmp_path: Path, is_known: bool) -> None:
    event = """
source orders {
  kind = csv
  path = "orders.csv"
  key = no
  columns {
    no = text
    who = text
    at = datetime
  }
}

event order {
  source = orders
  customer = shop(who)
  at = at
}
"""
    folder = written(tmp_path, event, "1,,7,5,,1,,,,,,,")
    who = "1" if is_known else "77"
    (folder / "orders.csv").write_text(f"no,who,at\na,{who},2026-01-01 10:00:00\n")
    done = cij("run", folder, "--once", "--json")
    [orders] = [s for s in json.loads(done.out)["sources"] if s["source"] == "orders"]
    assert (orders["bad"], orders["waiting"]) == (0, 0 if is_known else 1)
    assert ("wait for a customer" in cij("status", folder).out) is not is_known
