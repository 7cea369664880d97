"""Mistakes that used to show only when data were loaded, and values that used to be text."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from cij.app.compile import compile_path
from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime.engine import open_engine
from cij.runtime.refresh import refresh
from tests.conftest import Cij

TOML = """[project]
name = "x"
timezone = "UTC"

[delivery.email]
kind = "files"
folder = "outbox"
from = "A <a@example.com>"
"""
PROJECT = """source people {{
  kind = csv
  path = "people.csv"
  key = id
  timezone = "America/New_York"
  {setting}
  columns {{
    id = text
    email = text
    balance = decimal
    rebate = percent
    points = integer
    seen = datetime
  }}
  {where}
}}

profile customer {{
  from people {{
    email = email
    spent = money(balance, EUR)
    balance = balance
    rebate = rebate
    points = points
    {field}
  }}
}}

topic service {{
  channels = [email]
  consent = none
}}
"""
ROWS = "id,email,balance,rebate,points,seen\nana,ana@x.com,{balance},10%,7,2026-03-01 23:30\n"


def write(folder: Path, more: str = "", balance: str = "50", **holes: str) -> Path:
    found = {"setting": "", "where": "", "field": "", **holes}
    (folder / "cij.toml").write_text(TOML)
    (folder / "a.journey").write_text(PROJECT.format(**found) + more)
    (folder / "people.csv").write_text(ROWS.format(balance=balance))
    return folder


# --- formats of dates -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["%d.%m.%Y", "%-d/%-m/%y", "%d %b %Y", "%Y%m%d %H:%M", "%j %Y"])
def test_formats_that_dates_are_read_by(cij: Cij, tmp_path: Path, text: str) -> None:
    folder = write(tmp_path, setting=f'date_format = "{text}"')
    assert cij("check", folder).code == Exit.OK
    duckdb.execute("SELECT TRY_STRPTIME('x', ?)", [text])


@pytest.mark.parametrize(
    "text", ["%d.%m.%Q", "%Y-%-Y-%d-%m", "dd.mm.yyyy", "%d.%m", "%m/%Y", "%d.%m.%Y %", "%"]
)
def test_formats_that_none_is_read_by(cij: Cij, tmp_path: Path, text: str) -> None:
    folder = write(tmp_path, setting=f'date_format = "{text}"')
    done = cij("check", folder, "--format", "concise")
    assert done.code == Exit.ERRORS and "CIJ206 `date_format` takes" in done.out


# --- times of a source's rows -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("x = date(seen)", "2026-03-01"),
        ("x = seen + 1 day", "2026-03-03 04:30:00"),
        ("x = seen = 2026-03-01 23:30", "True"),
        ("x = seen ?? 2026-01-01 00:00", "2026-03-02 04:30:00"),
    ],
)
def test_a_row_has_the_zone_of_its_source(tmp_path: Path, field: str, value: str) -> None:
    folder = write(tmp_path, field=field, where="where seen > 2026-03-01 23:00")
    result = compile_path(folder)
    assert result.compilation.program is not None, result.diagnostics
    engine = open_engine(None)
    refresh(engine, result.compilation.program, folder, datetime(2026, 3, 2))
    assert str(engine.rows(query("SELECT c.x FROM customer AS c"))[0][0]) == value


@pytest.mark.parametrize(
    "holes", [{"field": "x = today()"}, {"field": "x = now()"}, {"where": "where seen < now()"}]
)
def test_a_row_has_no_now(cij: Cij, tmp_path: Path, holes: dict[str, str]) -> None:
    done = cij("check", write(tmp_path, **holes), "--format", "concise")
    assert (
        done.code == Exit.ERRORS
        and "CIJ207" in done.out
        and "changes all the time, but a row" in done.out
    )


# --- arms -------------------------------------------------------------------------------------


def test_arms_of_a_split_have_different_names(cij: Cij, tmp_path: Path) -> None:
    more = """
segment all {
  where email is known
}

journey go {
  enter from segment all

  steps {
    split test {
      40% a {}
      30% b {}
      30% a {
        end x
      }
    }
  }
}
"""
    done = cij("check", write(tmp_path, more), "--format", "concise")
    assert done.out.count("two arms of `test` are called `a`") == 1 and "CIJ203" in done.out


# --- numbers in templates ---------------------------------------------------------------------

MESSAGE = """
segment all {{
  where email is known and points is known and balance is known and spent is known and rebate is known
}}

message email hello {{
  topic = service
  locale "en" {{
    subject = "Hello"
    body = "{body}"
  }}
}}

journey go {{
  enter from segment all

  steps {{
    hello: send email hello {{
      most = 12.5
      price = 9.90 EUR
      share = 12.5%
    }}
  }}
}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "balance", "text"),
    [
        ("{{ spent }} {{ balance }} {{ points }} {{ rebate }}", "50", "50.00 50 7 10"),
        ("{{ spent }} {{ balance }}", "49.9", "49.90 49.9"),
        ("{{ spent }} {{ balance }}", "1234567.25", "1234567.25 1234567.25"),
        ("{{ most }} {{ price }} {{ share }}", "50", "12.5 9.90 12.5"),
        ("{% if spent > 10 %}rich{% else %}poor{% endif %}", "50", "rich"),
        ("{% if spent > 10 %}rich{% else %}poor{% endif %}", "9.99", "poor"),
        ("{% if balance >= 49.9 %}rich{% else %}poor{% endif %}", "49.9", "rich"),
        ("{% if price < most %}low{% else %}high{% endif %}", "50", "low"),
        ("{% if rebate == 10 %}ten{% endif %}", "50", "ten"),
        ("{{ spent | plus: 1 }}", "50", "51"),
        ("{{ customer.points }} {{ points }} {{ customer.spent }}", "50", "7 7 50.00"),
    ],
)
def test_numbers_are_numbers_in_templates(
    cij: Cij, tmp_path: Path, body: str, balance: str, text: str
) -> None:
    names = [n for n in ("most", "price", "share") if n not in body]
    unused = "{% if false %}" + " ".join(f"{{{{ {n} }}}}" for n in names) + "{% endif %}"
    folder = write(tmp_path, MESSAGE.format(body=body + unused), balance)
    done = cij("run", folder, "--once")
    assert done.code == Exit.OK, done.err
    [mail] = (folder / "outbox").rglob("*.eml")
    assert f"\n\n{text}" in mail.read_text()
