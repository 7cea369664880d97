"""Every code has a page with an example that gives it, and mistakes are each reported once."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cij.app.catalog_file import catalog_of
from cij.app.compile import compile_path
from cij.app.pages import page, titles
from cij.app.standard_library import library
from cij.cli.render import render
from cij.compiler.column_statistics import Catalog
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.grammar.codes import CODES
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.format import format_text
from tests.tiny import SHOP

Golden = Callable[[Path | str, str], None]

SEEDED = Path(__file__).parent / "fixtures" / "diagnostics" / "seeded"
RULES = [f"S{number}" for number in range(1, 32)]
# What lies in the bytes of a file and not in its text has no example; test_cli_frame shows it.
WITHOUT_EXAMPLE = {"CIJ102"}

_BLOCK = re.compile(r"```journey (failing|passing)\n(.*?)```\n", re.DOTALL)
_CATALOG = re.compile(r"```json\n(.*?)```\n", re.DOTALL)


def found(text: str, catalog: Catalog | None = None) -> list[Diagnostic]:
    project = ProjectSettings("test", "UTC")
    made = compile_project(project, {"a.journey": text}, {}, catalog or {}, library=library())
    return list(made.diagnostics)


def codes(text: str, catalog: Catalog | None = None) -> list[str]:
    return [diagnostic.code for diagnostic in found(text, catalog)]


def catalog(code: str) -> Catalog:
    """Return the catalog of a page, which stands under both of its examples."""
    block = _CATALOG.search(page(code) or "")
    return catalog_of(block.group(1)) if block else {}


def examples(code: str) -> dict[str, str]:
    text = page(code)
    assert text is not None, f"{code} has no page"
    return dict(_BLOCK.findall(text))


# --- pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_page_under_its_name(code: str) -> None:
    text = page(code)
    assert text is not None, f"{code} has no page"
    assert text.startswith(f"# {code} {CODES[code].slug}\n")
    assert f"({CODES[code].severity.value})" in text


@pytest.mark.parametrize("code", [code for code in CODES if code not in WITHOUT_EXAMPLE])
def test_the_examples_of_a_page_do_what_they_say(code: str) -> None:
    blocks = examples(code)
    assert codes(blocks["failing"], catalog(code)) == [code]
    assert codes(blocks["passing"], catalog(code)) == []


@pytest.mark.parametrize("code", [code for code in CODES if code not in WITHOUT_EXAMPLE])
def test_the_examples_of_a_page_are_formatted(code: str) -> None:
    for text in examples(code).values():
        assert format_text("a.journey", text).text == text


def test_there_is_no_page_without_a_code() -> None:
    assert list(titles("diagnostics")) == sorted(CODES)


def test_every_rule_has_a_page_that_says_how_much_of_it_there_is() -> None:
    assert list(titles("semantics")) == RULES
    assert not [rule for rule in RULES if "\n## In this version\n" not in (page(rule) or "")]


def test_pages_are_found_in_any_case_and_nothing_else_is() -> None:
    assert (page("cij601") or "") == page("CIJ601")
    assert page("../semantics/S1") is None and page("CIJ999") is None and page("") is None


# --- a project full of mistakes ---------------------------------------------------------------


def test_each_seeded_mistake_is_reported_once_and_in_good_words(golden: Golden) -> None:
    result = compile_path(SEEDED)
    golden("diagnostics/seeded.golden", render(result.diagnostics, result.texts))
    places = Counter(diagnostic.span for diagnostic in result.diagnostics)
    assert max(places.values()) == 1
    assert result.compilation.program is None


def test_messages_keep_the_house_style() -> None:
    found = compile_path(SEEDED).diagnostics
    assert found
    for diagnostic in found:
        message = diagnostic.message
        assert not message.endswith("."), message
        assert not message[0].isupper(), message
        assert len(message) < 160, message


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    shutil.copytree(SEEDED, tmp_path, dirs_exist_ok=True)
    for number, file in enumerate(sorted((tmp_path / "journeys").iterdir(), reverse=True)):
        file.rename(file.with_name(f"{number}.journey"))
    before, after = (compile_path(path).diagnostics for path in (SEEDED, tmp_path))
    # Which of two twins is the second one depends on the order within a file only.
    assert Counter(d.code for d in before) == Counter(d.code for d in after)


# --- one mistake, one diagnostic --------------------------------------------------------------

JOURNEY = """\
segment regulars {{
  where points > 100
}}

journey welcome {{
  enter {entry}
  {more}
  steps {{
    {steps}
  }}
}}
"""


def journey(steps: str, entry: str = "from segment regulars", more: str = "") -> str:
    return SHOP + JOURNEY.format(steps=steps, entry=entry, more=more)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        # A broken source: its fields, and all that names them, are no mistakes of their own.
        (journey("send email hello").replace("kind = csv\n", ""), "CIJ205"),
        (journey("send email hello").replace("kind = csv", "kind == csv"), "CIJ101"),
        (journey("send email hello").replace("points = integer", "points = intgr"), "CIJ206"),
        (journey("send email hello").replace("points = points", "points = point"), "CIJ202"),
        (journey("send email hello").replace("where points >", "where point >"), "CIJ202"),
        (journey("send email hello").replace("consent =", "consnt ="), "CIJ204"),
        # An unknown entering event: what is read from it is not reported again.
        (journey("if trigger.amount > 3 EUR {\n end a\n}", "on purchas", "per = amount"), "CIJ202"),
        (journey("wait 1 day", "on purchase where amout > 3 EUR"), "CIJ202"),
        (journey("send email hello {\n  code = pints\n}"), "CIJ605 CIJ202"),
        # A circle is one mistake, however many are part of it.
        (SHOP + "measure a {\n  value = b\n}\nmeasure b {\n  value = a\n}\n", "CIJ209"),
        (
            SHOP
            + "segment a {\n where in segment b\n}\nsegment b {\n where in segment c\n}\n"
            + "segment c {\n where in segment a\n}\n"
            + "journey j {\n enter from segment a\n steps {\n send email hello\n }\n}\n",
            "CIJ209",
        ),
    ],
)
def test_a_mistake_has_no_consequences(wrong: str, code: str) -> None:
    assert codes(wrong) == code.split()


@pytest.mark.parametrize(
    ("steps", "more", "code"),
    [
        ("wait 1 day", "goal g on purchase\n goal g on opened", "CIJ203"),
        ("wait 1 day", "again never\n again always", "CIJ203"),
        ("completed: wait 1 day", "", "CIJ303"),
        ("`goal:g`: wait 1 day", "goal g on purchase", "CIJ303"),
        ("split s {\n}", "", "CIJ205"),
        ("switch points {\n}", "", "CIJ205"),
        ("wait 1 day", "holdout = 120%", "CIJ206"),
    ],
)
def test_what_would_break_the_state_machine_is_refused(steps: str, more: str, code: str) -> None:
    assert codes(journey(steps, more=more)) == [code]


@pytest.mark.parametrize(
    ("declaration", "code"),
    [
        ("segment a {\n  where points in []\n}\n", "CIJ207"),
        ("segment a {\n  where points in top 120%\n}\n", "CIJ207"),
        ("measure points {\n  value = count(purchase)\n}\n", "CIJ203"),
        ("event Purchase {\n  fields {\n    a = text\n  }\n}\n", "CIJ203"),
        ("event e {\n  fields {\n    a = text\n    A = text\n  }\n}\n", "CIJ203"),
        ('source b {\n  kind = "csv"\n  path = "b.csv"\n  key = id\n}\n', "CIJ206"),
    ],
)
def test_what_the_store_could_not_hold_is_refused(declaration: str, code: str) -> None:
    assert codes(SHOP + declaration) == [code]


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    text = SHOP.replace("key = id", 'key = id\n  timezone = "Europe/Madird"')
    (tmp_path / "cij.toml").write_text('[project]\nname = "x"\ntimezone = "UTC"\n')
    (tmp_path / "a.journey").write_text(text)
    assert [d.code for d in compile_path(tmp_path).diagnostics] == ["CIJ206"]


@pytest.mark.slow
def test_checking_imports_no_engine() -> None:
    code = (
        "import sys; from cij.cli.main import cli;"
        f"cli(['check', {str(SEEDED)!r}], standalone_mode=False);"
        "print([m for m in ('sqlglot', 'duckdb', 'apscheduler', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.endswith("[]\n"), done.stderr


# --- the guide --------------------------------------------------------------------------------


def test_the_examples_of_the_guide_are_one_project_that_compiles() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "language.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```journey\n(.*?)```\n", guide, re.DOTALL)
    assert [d.message for d in found("\n".join(blocks))] == []
    for block in blocks:
        assert format_text("a.journey", block).text == block


@pytest.mark.slow
def test_the_statements_of_tests_in_the_guide_are_right() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "language.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```journey\n(.*?)```\n", guide, re.DOTALL)
    rows = [line for line in guide.splitlines() if line.startswith(_STATEMENTS)]
    assert len(rows) == 15
    for row in rows:
        example = row.split("|")[3].strip().strip("`").replace("{ … }", "{\n  }")
        journey = "presents" if "create_task" in example else "basket"
        clock = "" if example.startswith("clock") else "  clock 2026-03-02 10:00\n"
        given = "".join(f'  given customer "{name}" {{\n  }}\n' for name in ("ana", "eva"))
        given = "" if example.startswith("clock") else given
        test = f'test "a row" for {journey} {{\n{clock}{given}  {example}\n}}\n'
        assert [d.message for d in found("\n".join([*blocks, test]))] == [], row


_STATEMENTS = ("| `clock", "| `given", "| `event E", "| `after", "| `the runtime", "| `expect")
