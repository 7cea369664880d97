"""Enums and lists from the file to the message: what is read, what is refused, what is found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.compiler.types import INTEGER, TEXT, Type, enum, list_of
from cij.runtime.engine import open_engine
from cij.runtime.event_values import Unfit, read_value
from tests.conftest import Cij
from tests.finding import people_found
from tests.lists_project import DATA, FINDS, HEAD, NOW, PEOPLE, TOML, row, write

Make = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Make:
    def make(rows: list[str], more: str) -> Path:
        (tmp_path / "cij.toml").write_text(TOML)
        (tmp_path / "a.journey").write_text(DATA + more)
        (tmp_path / "people.csv").write_text("\n".join([HEAD, *rows]) + "\n")
        return tmp_path

    return make


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return who is in a segment of each condition."""
    folder = tmp_path_factory.mktemp("finds")
    return people_found(FINDS, lambda more: write(folder, more), NOW)


@pytest.mark.parametrize("condition", FINDS)
def test_conditions_find(found: dict[str, str], condition: str) -> None:
    assert found[condition] == FINDS[condition]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"status": "shut"}, 'column status: "shut" is not one of "open", "on hold"'),
        ({"status": "Open"}, 'is not one of "open"'),
        ({"tags": "coffee"}, 'column tags: "coffee" is not a JSON array of text'),
        ({"tags": '{"a": 1}'}, "is not a JSON array of text"),
        ({"tags": '["a␟b"]'}, "is not a JSON array of text"),
        ({"shelf": "1|x"}, 'is not a list separated by "|" of integer'),
        ({"shelf": "1.5"}, 'is not a list separated by "|" of integer'),
        ({"days": '["2026-02-30"]'}, "is not a JSON array of date"),
        ({"sizes": "S/XL"}, 'is not a list separated by "/" of enum("S", "M")'),
    ],
)
def test_what_is_no_such_value_goes_to_quarantine(
    cij: Cij, project: Make, cells: dict[str, str], reason: str
) -> None:
    folder = project([row("ana"), row("bob", **cells)], "")
    done = cij("run", folder, "--once")
    assert done.code == Exit.ASIDE, done.err
    engine = open_engine(folder / ".cij" / "state.duckdb")
    [(found,)] = engine.rows(query("SELECT q.reason FROM quarantine AS q"))
    engine.close()
    assert reason in found


MESSAGE = """
segment all {
  where email is known
}

message email hello {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "For {{ tags }}: {% for tag in tags %}<{{ tag }}>{% endfor %}{% if tags contains 'tea' %} hot{% endif %}"
  }
}

journey go {
  enter from segment all
  suppress = tags is unknown

  steps {
    hello: send email hello
  }
}
"""


def test_templates_know_lists(cij: Cij, project: Make) -> None:
    more = MESSAGE.replace("where email is known", "where tags is known")
    folder = project(PEOPLE[:1], more)
    assert cij("run", folder, "--once").code == Exit.OK
    [mail] = (folder / "outbox").rglob("*.eml")
    assert "For coffee, tea: <coffee><tea> hot" in mail.read_text()


STORY = """
event chosen {{
  fields {{
    size = enum("S", "M")
    extras = list(text)
  }}
}}

message email hello {{
  topic = service
  locale "en" {{
    subject = "Hello"
    body = "Hello"
  }}
}}

journey go {{
  enter on chosen where size = "S" and extras contains "lid"

  steps {{
    switch status {{
      case "open" {{
        hello: send email hello
      }}
      case "on hold" {{}}
    }}
  }}
}}

test "one who chose" for go {{
  clock 2026-03-02 10:00
  given customer "ana" {{
    email = "ana@x.com"
    status = {status}
    tags = {tags}
  }}
  event chosen by "ana" {{
    size = {size}
    extras = {extras}
  }}
  expect sent email hello to "ana"
}}
"""
GOOD = {"status": '"open"', "tags": "[]", "size": '"S"', "extras": '["lid", "straw"]'}


def test_stories_give_enums_and_lists(cij: Cij, project: Make) -> None:
    done = cij("test", project([], STORY.format(**GOOD)))
    assert done.code == Exit.OK, done.out


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("status", '"opne"', "CIJ211"),
        ("size", '"XL"', "CIJ211"),
        ("extras", '"lid"', "CIJ207"),
        ("extras", "[1]", "CIJ207"),
        ("tags", "[true]", "CIJ207"),
    ],
)
def test_stories_give_no_other_values(
    cij: Cij, project: Make, name: str, value: str, code: str
) -> None:
    folder = project([], STORY.format(**GOOD | {name: value}))
    done = cij("check", folder, "--format", "concise")
    assert code in done.out, done.out


SIZE, EXTRAS = enum("S", "M"), list_of(TEXT)


@pytest.mark.parametrize(
    ("type", "given", "words"),
    [
        (SIZE, "XL", 'size: "XL" is not one of "S", "M"'),
        (SIZE, 3, "size: 3 is not one of"),
        (EXTRAS, [["lid"]], "is not a text"),
        (EXTRAS, ["a␟b"], "is not a list"),
        (list_of(INTEGER), ["x"], '"x" is not a whole number'),
        (list_of(SIZE), ["XL"], '"XL" is not one of "S", "M"'),
    ],
)
def test_events_from_outside_are_checked(type: Type, given: object, words: str) -> None:
    with pytest.raises(Unfit) as caught:
        read_value("size", type, given, "UTC")
    assert words in str(caught.value)


def test_events_from_outside_bring_lists() -> None:
    assert read_value("x", EXTRAS, ["lid", "", "e\u0301"], "UTC") == "␟lid␟é␟"
    assert read_value("x", list_of(INTEGER), [3, "4"], "UTC") == "␟3␟4␟"
    assert read_value("x", EXTRAS, [], "UTC") == "␟"
    assert read_value("x", EXTRAS, None, "UTC") is None
    assert read_value("x", EXTRAS, "lid", "UTC") == "␟lid␟", "as a command gives it"
    assert read_value("x", SIZE, "S", "UTC") == "S"


@pytest.mark.parametrize(
    ("type", "words"),
    [
        ("enum", 'write `enum("open", "closed")`'),
        ("enum()", "`enum` takes its values"),
        ('enum("a", b)', "`enum` takes its values"),
        ('enum("a", "a")', "is listed twice"),
        ('enum("")', "not empty"),
        ("list", "write `list(text)`"),
        ("list()", "a list holds"),
        ("list(boolean)", "a list holds"),
        ("list(list(text))", "a list holds"),
        ('list(text, "")', "its second argument is the separator"),
        ("list(nothing)", "a type is one of"),
    ],
)
def test_types_that_are_none_are_told(cij: Cij, project: Make, type: str, words: str) -> None:
    folder = project([], "")
    text = (folder / "a.journey").read_text().replace("tags = list(text)", f"tags = {type}")
    (folder / "a.journey").write_text(text)
    done = cij("check", folder)
    assert words in done.out and done.code == Exit.ERRORS, done.out
