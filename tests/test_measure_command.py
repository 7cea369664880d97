"""`cij measure`: figures of a small shop, and those of a public one computed in another way."""

import csv
import json
import math
import shutil
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cij.cli.main import cli

CHINOOK = Path(__file__).parents[1].parent / "shared" / "data" / "chinook"
TOML = '[project]\nname = "p"\ntimezone = "UTC"\n'
SHOP = """
source customers {
  kind = csv
  path = "customer.csv"
  key = CustomerId
  columns {
    CustomerId = integer
    Country = text
    Company = text
  }
}
source invoices {
  kind = csv
  path = "invoice.csv"
  key = InvoiceId
  columns {
    InvoiceId = integer
    CustomerId = integer
    InvoiceDate = datetime
    Total = decimal
  }
}
profile customer {
  from customers {
    country = Country
    company = Company
  }
}
event invoice {
  source = invoices
  customer = customers(CustomerId)
  at = InvoiceDate
  fields {
    total = money(Total, USD)
  }
}
measure spent {
  value = sum(invoice.total)
}
measure newest {
  value = max(invoice.at)
}
segment companies {
  where company is known
}
segment nobody {
  where company = "No such company"
}
"""


def run(project: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["measure", *words, "--project", str(project)])


def figures(project: Path, *words: str) -> list[dict[str, Any]]:
    result = run(project, "show", *words, "--format", "json")
    assert result.exit_code == 0, result.exception
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def _made(folder: Path) -> Path:
    (folder / "cij.toml").write_text(TOML, encoding="utf-8")
    (folder / "a.journey").write_text(SHOP, encoding="utf-8")
    assert CliRunner().invoke(cli, ["run", str(folder), "--once"]).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def chinook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if not CHINOOK.is_dir():
        pytest.skip("the public data of the shop is not here")
    folder = tmp_path_factory.mktemp("chinook")
    for name in ("customer.csv", "invoice.csv"):
        shutil.copy(CHINOOK / name, folder / name)
    yield _made(folder)


def _spent(folder: Path) -> tuple[dict[str, Decimal], dict[str, dict[str, str]]]:
    """Return what each customer spent, and the rows of the customers: with Python alone."""
    spent: dict[str, Decimal] = defaultdict(Decimal)
    with (folder / "invoice.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spent[row["CustomerId"]] += Decimal(row["Total"])
    with (folder / "customer.csv").open(encoding="utf-8") as file:
        return spent, {row["CustomerId"]: row for row in csv.DictReader(file)}


def _rank(values: list[Decimal], share: str) -> Decimal:
    """Return the nearest rank: the smallest value that so many do not exceed."""
    return sorted(values)[math.ceil(Decimal(share) * len(values)) - 1]


@pytest.mark.slow
def test_the_figures_of_a_public_shop_are_those_that_python_computes(chinook: Path) -> None:
    spent, people = _spent(chinook)
    values = [*spent.values()]
    [whole] = figures(chinook, "spent")
    assert whole["customers"] == whole["known"] == len(people) == 59
    assert Decimal(whole["sum"]) == sum(values) == Decimal("2328.60")
    average = (sum(values, Decimal()) / 59).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    assert Decimal(whole["average"]) == average
    for name, share in {"p25": "0.25", "median": "0.5", "p75": "0.75", "p90": "0.9"}.items():
        assert Decimal(whole[name]) == _rank(values, share), name
    assert (Decimal(whole["smallest"]), Decimal(whole["largest"])) == (min(values), max(values))
    groups: dict[str, list[Decimal]] = defaultdict(list)
    for person, row in people.items():
        groups[row["Country"]].append(spent[person])
    found = {row["country"]: row for row in figures(chinook, "spent", "--by", "country")}
    assert {c: Decimal(row["sum"]) for c, row in found.items()} == {
        country: sum(each) for country, each in groups.items()
    }
    assert {c: row["customers"] for c, row in found.items()} == {
        c: len(g) for c, g in groups.items()
    }
    companies = [spent[p] for p, row in people.items() if row["Company"]]
    [of_companies] = figures(chinook, "spent", "--in", "companies")
    assert Decimal(of_companies["sum"]) == sum(companies)


@pytest.mark.slow
def test_dates_have_ends_but_no_sum_and_an_empty_group_is_a_result(tmp_path: Path) -> None:
    rows = "CustomerId,Country,Company\n1,=1+cmd|A,x\n2,,\n3,+34,\n"
    (tmp_path / "customer.csv").write_text(rows, encoding="utf-8")
    rows = "InvoiceId,CustomerId,InvoiceDate,Total\n1,1,2026-01-01,0.1\n2,1,2026-01-02,0.2\n"
    (tmp_path / "invoice.csv").write_text(rows, encoding="utf-8")
    project = _made(tmp_path)
    [newest] = figures(project, "newest")
    assert (newest["known"], newest["sum"], newest["average"]) == (1, None, None)
    assert newest["smallest"] == newest["largest"] == "2026-01-02T00:00:00Z"
    assert figures(project, "spent", "--in", "nobody") == []
    lines = run(project, "show", "spent", "--by", "country", "--format", "csv").output.splitlines()
    assert lines[0].startswith("country,customers,known,different,sum,average,")
    assert {line.split(",")[0] for line in lines[1:]} == {"'=1+cmd|A", "+34", ""}
    listed = json.loads(run(project, "list", "--json").output)
    assert [(m["name"], m["type"], m["known"]) for m in listed] == [
        ("spent", "money USD", 3),
        ("newest", "datetime", 1),
    ]
    assert "0.3" in run(project, "show", "spent").output
    for words, message in (
        (("show", "spend"), "there is no measure `spend`"),
        (("show", "spent", "--by", "town"), "there is no field `town`"),
        (("show", "spent", "--in", "all"), "there is no segment `all`"),
    ):
        result = run(project, *words)
        assert message in f"{result.output}{result.exception}" and result.exit_code
