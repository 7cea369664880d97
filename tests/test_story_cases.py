"""A test with a table of cases: each row is played and reported as a test of its own."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cij.app.open_texts import OpenTexts
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.review.lineage import Node
from cij.grammar.parser import parse
from cij.lsp import name_edits
from tests.conftest import FIXTURES, Cij

STORIES = FIXTURES / "stories"
TABLE = """\
test "what becomes of ana" for welcome {
  clock case.start
  cases (start, points, pause, mail, step, until, outcome) {
    "she opens it" (2026-03-02 10:00, 10, 1 hour, hello, look, 2026-03-04 10:00, pleased)
    "she opens it late" (2026-03-02 10:00, 11, 47 hours, hello, look, 2026-03-04 10:00, pleased)
    "another day" (2026-03-09 18:00, 500, 47 hours, hello, look, 2026-03-11 18:00, pleased)
  }
  given customer "ana" {
    email = "ana@example.com"
    points = case.points
    consent.news = true
  }
  expect sent email case.mail to "ana" at case.start
  expect "ana" waiting at case.step until case.until
  after case.pause event opened(first) by "ana"
  expect "ana" ended as case.outcome
  expect "ana" has points = case.points
}

test "without a table" for welcome {
  clock 2026-03-02 10:00
  given customer "bob" {}
  expect nothing sent to "bob"
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    shutil.copy(STORIES / "passing" / "cij.toml", folder)
    shutil.copy(STORIES / "mistakes" / "shop.journey", folder)
    # The second case fails: the deadline comes before an event that comes with it.
    late = TABLE.replace("11, 47 hours", "11, 3 days")
    (folder / "cases.journey").write_text(late, "utf-8")
    return folder


def test_each_case_is_reported_as_text_json_and_junit(
    project: Path, cij: Cij, tmp_path: Path
) -> None:
    report = tmp_path / "report.xml"
    done = cij("test", project, "--junit", report)
    assert done.code == 1
    heads = [line.partition(" (")[0] for line in done.out.splitlines() if "welcome: " in line]
    assert heads == [
        "ok    welcome: what becomes of ana: she opens it",
        "FAIL  welcome: what becomes of ana: she opens it late",
        "ok    welcome: what becomes of ana: another day",
        "ok    welcome: without a table",
    ]
    # The line that fails is shown with the values of its case.
    assert 'cases.journey:16:3: expect "ana" ended as pleased\n' in done.out
    root = ElementTree.parse(report).getroot()
    named = [(c.get("name"), c.get("line"), len(c)) for c in root.iter("testcase")]
    assert ("what becomes of ana: she opens it late", "5", 1) in named
    assert len(named) == 4
    found = json.loads(cij("test", project, "--json", "--match", "late").out)
    assert [(t["title"], t["case"], t["line"]) for t in found["tests"]] == [
        ("what becomes of ana: she opens it late", "she opens it late", 5)
    ]
    found = json.loads(cij("test", project, "--json", "--match", "without").out)
    assert found["tests"][0]["case"] is None


def test_a_renamed_name_is_renamed_in_the_rows(project: Path) -> None:
    view = OpenTexts(project).view()
    uri = (project / "cases.journey").as_uri()
    for node, column in ((Node("message", "hello"), 50), (Node("step", "welcome.look"), 57)):
        edits = name_edits.renamed(view, node, "quite_new")[uri]
        lines = [edit.range.start.line for edit in edits]
        assert lines == [3, 4, 5]
        assert edits[0].range.start.character == column


def test_a_column_may_have_the_name_of_a_field() -> None:
    """`case.points` is the column, also where the customer has a field `case`."""
    shop = (STORIES / "mistakes" / "shop.journey").read_text("utf-8")
    shop = shop.replace("    told = text\n", "    told = text\n    case = text\n")
    shop = shop.replace("    points = points\n", "    points = points\n    case = case\n")
    texts = {"shop.journey": shop, "cases.journey": TABLE}
    found = compile_project(ProjectSettings("stories", "Europe/Madrid"), texts, {}, {})
    assert [d.message for d in found.diagnostics if d.is_error] == []
    assert len(found.stories) == 4


def test_cases_stays_a_name_everywhere_else() -> None:
    text = """\
source cases {
  path = "cases"
  cases {
    cases = text
  }
  cases x {
    a = cases(cases)
  }
  where cases > 1 and any(cases)
}

journey j {
  enter on cases
  steps {
    cases: send sms cases
    end cases
  }
}

test "t" for cases {
  clock 2026-03-02 10:00
  expect "a" has cases
  cases (cases) {
    "a" (cases)
  }
  event cases by "a"
}
"""
    assert parse("a.journey", text)[1] == []
