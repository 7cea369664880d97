"""Comments that allow warnings: where they stand, what they must say, and when they are reported."""

import json
from pathlib import Path

import pytest

from cij.cli.render import render
from cij.compiler.compilation import Compilation, compile_project
from cij.compiler.model import ProjectSettings
from cij.grammar.format import format_text
from tests.example import inside
from tests.tiny import SHOP

REASON = "because seasonal message"
GOOD = f"# cij: allow CIJ605 {REASON}"


def compiled(steps: str, text: str = SHOP) -> Compilation:
    text += f"segment s {{\n  where points > 1\n}}\njourney j {{\n  enter from segment s\n  {steps}\n}}\n"
    return compile_project(ProjectSettings("test", "UTC"), {"a.journey": text}, {}, {})


def sending(*lines: str) -> Compilation:
    """Compile a send with these lines in its block."""
    block = "\n".join(lines)
    return compiled(f"steps {{\n send email hello {{\n{block}\n }}\n }}")


def codes(compilation: Compilation) -> list[str]:
    return [diagnostic.code for diagnostic in compilation.diagnostics]


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD, 'hue = "red"'],
        [f'hue = "red" {GOOD}'],
        [f'hue = "red"   #cij:allow CIJ605   {REASON}'],
        [f"# cij: allow CIJ605, CIJ605 {REASON}", 'hue = "red"'],
        ["# about hues", GOOD, "# more about hues", "", 'hue = "red"'],
        [GOOD, "hue", "=", '"red"'],
    ],
)
def test_a_warning_is_allowed(lines: list[str]) -> None:
    found = sending(*lines)
    assert codes(found) == []
    assert [s.diagnostic.code for s in found.suppressed] == ["CIJ605"]
    assert found.suppressed[0].reason == "seasonal message"
    assert found.program is not None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # Only the next statement, and only this code.
        ([GOOD, 'hue = "red"', 'tint = "red"'], "CIJ605"),
        ([f'hue = "red" {GOOD}', 'tint = "red"'], "CIJ605"),
        (['hue = "red"', GOOD], "CIJ605 CIJ904"),
        # The reason is no ornament.
        (["# cij: allow CIJ605", 'hue = "red"'], "CIJ901 CIJ605"),
        (["# cij: allow CIJ605 because", 'hue = "red"'], "CIJ901 CIJ605"),
        (["# cij: allow CIJ605 seasonal", 'hue = "red"'], "CIJ901 CIJ605"),
        (["# cij: ignore CIJ605 because x", 'hue = "red"'], "CIJ901 CIJ605"),
        (["# cij: allow because x", 'hue = "red"'], "CIJ901 CIJ605"),
        (["# cij: allow CIJ999 because x", 'hue = "red"'], "CIJ902 CIJ605"),
        (["# cij: allow CIJ202 because x", 'hue = "red"'], "CIJ903 CIJ605"),
        (["# cij: allow CIJ202 because x", "hue = nowhere"], "CIJ903 CIJ605 CIJ202"),
        # A comment cannot allow the faults of comments.
        (["# cij: allow CIJ904 because x", GOOD], "CIJ904 CIJ904"),
        ([f"# cij: allow CIJ605, CIJ904 {REASON}", 'hue = "red"'], "CIJ904"),
    ],
)
def test_what_is_not_allowed_stays(lines: list[str], expected: str) -> None:
    assert codes(sending(*lines)) == expected.split()


def test_a_comment_that_allows_nothing_is_reported_where_it_stands() -> None:
    text = f"{GOOD}\n{SHOP}"
    found = compile_project(ProjectSettings("test", "UTC"), {"a.journey": text}, {}, {})
    unused = found.diagnostics[0]
    assert (unused.code, unused.span.line, unused.span.column) == ("CIJ904", 1, 1)
    assert unused.span.end_column == len(GOOD) + 1 and unused.fixes[0].is_safe


@pytest.mark.parametrize("text", [f'body = "{GOOD}"', f'body = """\n    {GOOD}\n    """'])
def test_a_text_is_no_comment(text: str) -> None:
    changed = SHOP.replace('body = "You have {{ points | default: 0 }} points."', text)
    assert changed != SHOP and codes(compiled("steps {\n send email hello\n }", changed)) == []


def test_a_comment_inside_a_comment_is_prose() -> None:
    assert codes(sending(f"# write {GOOD}")) == []


def test_errors_elsewhere_do_not_matter() -> None:
    broken = SHOP.replace("consent = opt_in", "consent == opt_in")
    text = f'steps {{\n send email hello {{\n {GOOD}\n hue = "red"\n }}\n }}'
    found = compiled(text, broken)
    assert "CIJ605" not in codes(found) and "CIJ904" not in codes(found)
    assert "CIJ101" in codes(found)


def test_the_formatter_keeps_the_comment_at_its_statement() -> None:
    text = (
        SHOP
        + f'journey j {{enter on purchase\nsteps{{send email hello{{\nhue="red" {GOOD}\n}}}}}}\n'
    )
    once = format_text("a.journey", text).text
    found = compile_project(ProjectSettings("test", "UTC"), {"a.journey": once}, {}, {})
    assert codes(found) == [] and len(found.suppressed) == 1


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "cij.toml").write_text('[project]\nname = "x"\ntimezone = "UTC"\n')
    text = SHOP + "journey j {\n  enter on purchase\n  steps {\n    send email hello {\n"
    text += f'      {GOOD}\n      hue = "red"\n    }}\n  }}\n}}\n'
    (tmp_path / "a.journey").write_text(text)
    return tmp_path


def test_json_shows_what_is_allowed_and_why(project: Path) -> None:
    code, out, _ = inside("check", str(project), "--json", "--deny", "warnings")
    content = json.loads(out)
    assert code == 0 and content["diagnostics"] == []
    assert content["summary"] == {"errors": 0, "warnings": 0}
    [allowed] = content["suppressed"]
    assert allowed["code"] == "CIJ605" and allowed["reason"] == "seasonal message"
    assert allowed["place"]["start"]["line"] > 1


def test_sarif_marks_what_is_allowed(project: Path) -> None:
    [result] = json.loads(inside("check", str(project), "--format", "sarif")[1])["runs"][0][
        "results"
    ]
    assert result["suppressions"] == [{"kind": "inSource", "justification": "seasonal message"}]


def test_people_are_not_shown_what_is_allowed(project: Path) -> None:
    code, out, _ = inside("check", str(project))
    assert code == 0 and out.startswith("ok: ")


@pytest.mark.parametrize(
    ("before", "after"),
    [(f'      {GOOD}\n      hue = "red"\n', ""), (f'      hue = "red" {GOOD}\n', "")],
)
def test_fix_removes_a_comment_that_is_left_over(before: str, after: str, project: Path) -> None:
    file = project / "a.journey"
    text = file.read_text()
    place = f'      {GOOD}\n      hue = "red"\n'
    file.write_text(text.replace(place, before.replace('hue = "red"', "")))
    inside("check", str(project), "--fix")
    assert GOOD not in file.read_text() and "send email hello" in file.read_text()
    assert after == "" and inside("check", str(project))[0] == 0


def test_what_is_allowed_is_not_rendered_as_text() -> None:
    found = sending(GOOD, 'hue = "red"')
    assert render(found.diagnostics, {}, "text", suppressed=found.suppressed) == ""
