"""`cij segment`: sizes, members with fields, files, overlap, and what they say of wrong names."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from cij.cli.main import cli

TOML = '[project]\nname = "p"\ntimezone = "Europe/Madrid"\n'
JOURNEY = """
source shop {
  kind = csv
  path = "shop.csv"
  key = id
  columns {
    id = text
    name = text
    phone = text
    points = integer
    spent = decimal
    seen = datetime
  }
}
profile customer {
  from shop {
    name = name
    phone = phone
    points = points
    spent = money(spent, EUR)
    seen = seen
  }
}
measure twice {
  value = points * 2
}
segment some {
  where points > 5
}
segment rich {
  where spent > 10 EUR
}
segment both {
  where in segment some and in segment rich
}
segment nobody {
  where points > 1_000
}
journey j {
  enter from segment both
  steps {
    end done
  }
}
"""
ROWS = """id,name,phone,points,spent,seen
1,"=cmd|' /C calc'!A0",+34 600 000 001,7,12.5,2026-01-01T00:00:00Z
2,-2+3,,9,0.1,
3,@SUM(A1),,,99.9999999999,
4,Ñandú \u202e,,1,1,
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("segments")
    (folder / "cij.toml").write_text(TOML, encoding="utf-8")
    (folder / "a.journey").write_text(JOURNEY, encoding="utf-8")
    (folder / "shop.csv").write_text(ROWS, encoding="utf-8")
    assert CliRunner().invoke(cli, ["run", str(folder), "--once"]).exit_code == 0
    yield folder


def run(project: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["segment", *words, "--project", str(project)])


def answer(project: Path, *words: str) -> Any:
    result = run(project, *words, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.output)


@pytest.mark.slow
def test_sizes_say_who_uses_a_segment_and_an_empty_one_is_a_result(project: Path) -> None:
    sizes = {s["name"]: (s["size"], s["customers"]) for s in answer(project, "list")}
    assert sizes == {"some": (2, 4), "rich": (2, 4), "both": (1, 4), "nobody": (0, 4)}
    assert answer(project, "show", "some")["used_by"] == ["segment both"]
    assert answer(project, "show", "both")["used_by"] == ["journey j"]
    assert "used by: nothing" in run(project, "show", "nobody").output
    assert answer(project, "members", "nobody") == []


def test_overlap_counts_each_pair_and_agrees_with_the_sizes(project: Path) -> None:
    found = answer(project, "overlap", "some", "rich", "nobody")
    assert found == {
        "names": ["some", "rich", "nobody"],
        "customers": 4,
        "shared": [[2, 1, 0], [1, 2, 0], [0, 0, 0]],
    }
    assert len(answer(project, "overlap")["names"]) == 4


def test_members_have_exact_fields_and_a_limit(project: Path) -> None:
    rows = answer(project, "members", "rich", "--field", "spent", "--field", "twice")
    assert sorted((row["spent"], row["twice"]) for row in rows if row["twice"] is not None) == [
        ("12.5", 14)
    ]
    assert {row["spent"] for row in rows} == {"12.5", "99.9999999999"}
    assert len(answer(project, "members", "rich", "--limit", "1")) == 1
    assert "\u202e" not in run(project, "members", "some").output


def test_a_file_has_all_members_and_defuses_formulas(project: Path, tmp_path: Path) -> None:
    fields = [w for f in ("name", "phone", "spent", "seen") for w in ("--field", f)]
    file = tmp_path / "m.csv"
    file.write_text("old", encoding="utf-8")
    assert answer(project, "members", "rich", *fields, "--output", str(file))["count"] == 2
    with file.open(encoding="utf-8", newline="") as lines:
        found = sorted(csv.DictReader(lines), key=lambda row: row["name"])
    assert [(r["name"], r["phone"], r["spent"], r["seen"]) for r in found] == [
        ("'=cmd|' /C calc'!A0", "+34 600 000 001", "12.5", "2026-01-01T00:00:00Z"),
        ("'@SUM(A1)", "", "99.9999999999", ""),
    ]
    assert file.stat().st_mode & 0o077 == 0
    lines_file = tmp_path / "m.jsonl"
    run(project, "members", "some", *fields, "--output", str(lines_file))
    names = {json.loads(line)["name"] for line in lines_file.read_text("utf-8").splitlines()}
    assert names == {"=cmd|' /C calc'!A0", "-2+3"}
    parquet = tmp_path / "m.parquet"
    run(project, "members", "some", "--field", "points", "--output", str(parquet))
    assert duckdb.read_parquet(str(parquet)).aggregate("sum(points)").fetchone() == (16,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.csv", "m.jsonl", "m.parquet"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "som"), "there is no segment `som` in the program of the last run; did you mean"),
        (("members", "some", "--field", "pionts"), "there is no field or measure `pionts`"),
        (
            ("members", "some", "--output", "m.xlsx"),
            "m.xlsx ends with none of .csv, .jsonl, .parquet",
        ),
        (("members", "some", "--output", "/no/folder/m.csv"), "cannot write /no/folder/m.csv"),
        (("overlap", "some", "other"), "there is no segment `other`"),
    ],
)
def test_a_wrong_name_has_a_sentence(project: Path, words: tuple[str, ...], message: str) -> None:
    result = run(project, *words)
    said = f"{result.output}{result.exception}"
    assert message in said and result.exit_code != 0
