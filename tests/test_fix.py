"""`cij check --fix`: which fixes are applied, to which files, and what is left."""

from pathlib import Path

import pytest

from cij.app.compile import compile_path
from cij.app.fix import ROUNDS_MAX, choose, difference, fix, write_fixed
from cij.app.project import open_project
from cij.grammar.codes import UNKNOWN_NAME
from cij.grammar.diagnostic import Diagnostic, Edit, Fix
from cij.grammar.span import Span
from tests.example import inside
from tests.tiny import SHOP

TOML = '[project]\nname = "x"\ntimezone = "Europe/Madrid"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "cij.toml").write_text(TOML)
    (tmp_path / "data.journey").write_text(SHOP)
    return tmp_path


def segment(condition: str, name: str = "a") -> str:
    return f"segment {name} {{\n  where {condition}\n}}\n"


def mended(project: Path, text: str, *options: str) -> str:
    """Return what `--fix` makes of a file."""
    file = project / "a.journey"
    file.write_text(text)
    inside("check", str(project), "--fix", *options)
    return file.read_text()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('points > "100"', "points > 100"),
        ('points > "12.5"', "points > 12.5"),
        ('points in ["1", 2]', "points in [1, 2]"),
        ("points == 100", "points = 100"),
        ("points <> 100", "points != 100"),
        ("points > 1 && points < 5", "points > 1 and points < 5"),
        ("points > 5 || points < 1", "points > 5 or points < 1"),
        ("email is known AND points < 5", "email is known and points < 5"),
        ("Points > 100", "points > 100"),
        ("POINTS > 100 and customer.Points < 500", "points > 100 and customer.points < 500"),
        ("any(Purchase)", "any(purchase)"),
        ("sum(purchase.Amount) > 5 EUR", "sum(purchase.amount) > 5 EUR"),
        ("consent.News", "consent.news"),
        ("Length(email) > 3", "length(email) > 3"),
    ],
)
def test_a_safe_fix_is_applied(wrong: str, right: str, project: Path) -> None:
    assert mended(project, segment(wrong)) == segment(right)
    assert compile_path(project).diagnostics == ()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("poinst > 100", "points > 100"),
        ("any(purchas)", "any(purchase)"),
        ("sum(purchase.amonut) > 5 EUR", "sum(purchase.amount) > 5 EUR"),
        ("consent.newz.email", "consent.news.email"),
        ("consent.news.emial", "consent.news.email"),
        ("lenght(email) > 3", "length(email) > 3"),
        ("any(purchase where amonut > 5 EUR)", "any(purchase where amount > 5 EUR)"),
        ("sum(purchase.amount) > 50", "sum(purchase.amount) > 50 EUR"),
        ('points > "1,000"', "points > 1000"),
    ],
)
def test_an_unsafe_fix_is_applied_only_when_asked(wrong: str, right: str, project: Path) -> None:
    assert mended(project, segment(wrong)) == segment(wrong)
    assert mended(project, segment(wrong), "--unsafe") == segment(right)
    assert compile_path(project).diagnostics == ()


@pytest.mark.parametrize(
    "wrong",
    [
        'points > "many"',
        # A comma may divide thousands or parts.
        'points > "1,5"',
        "points > email",
        "zzz > 100",
    ],
)
def test_what_has_no_one_fix_is_left(wrong: str, project: Path) -> None:
    assert mended(project, segment(wrong), "--unsafe") == segment(wrong)


def test_two_near_names_are_a_choice(project: Path) -> None:
    texts = segment("points > 1", "buyers_a") + segment("points > 1", "buyers_b")
    wrong = texts + segment("in segment buyers_c", "c")
    assert mended(project, wrong, "--unsafe") == wrong


def test_rounds_go_on_until_nothing_changes(project: Path) -> None:
    # The name is seen only when the line can be read.
    assert mended(project, segment('Points == "3"')) == segment("points = 3")


def test_the_count_of_what_was_fixed_and_what_is_left(project: Path) -> None:
    (project / "a.journey").write_text(segment('points > "1"') + segment('points < "9"', "b"))
    (project / "b.journey").write_text(segment('points = "5" and pionts > 2', "c"))
    told = inside("check", str(project))[2]
    assert (
        told == "`cij check --fix` mends 3 of these, `--fix --unsafe` 1 more that need a review\n"
    )
    assert inside("check", str(project), "--json")[2] == ""
    code, out, err = inside("check", str(project), "--fix")
    assert code == 1 and out.startswith("fixed 3 mistakes in 2 files\n")
    assert out.count("error[") == 1 and "`pionts`" in out
    assert err == "`cij check --fix --unsafe` mends 1 of these; review the result\n"
    code, out, _ = inside("check", str(project), "--fix", "--unsafe")
    assert code == 0 and out.startswith("fixed 1 mistake in 1 file\nok: 3 files")
    code, out, _ = inside("check", str(project), "--fix")
    assert code == 0 and out.startswith("fixed nothing\nok: 3 files")


def test_a_diff_writes_nothing(project: Path) -> None:
    file = project / "a.journey"
    file.write_text(segment('points > "1"'))
    code, out, err = inside("check", str(project), "--fix", "--diff")
    assert code == 1 and err == "would fix 1 mistake in 1 file\n"
    assert '-  where points > "1"\n+  where points > 1\n' in out
    assert file.read_text() == segment('points > "1"')
    file.write_text(segment("points > 1"))
    assert inside("check", str(project), "--fix", "--diff") == (0, "", "would fix nothing\n")


@pytest.mark.parametrize("option", ["--unsafe", "--diff"])
def test_options_of_fixing_stand_with_it(option: str, project: Path) -> None:
    code, _, err = inside("check", str(project), option)
    assert code not in (0, 1) and "--fix" in err


def test_what_else_a_file_holds_stays(project: Path) -> None:
    file = project / "a.journey"
    lines = segment('points > "1" # "1"').replace("\n", "\r\n")
    file.write_bytes(b"\xef\xbb\xbf" + lines.encode())
    file.chmod(0o640)
    inside("check", str(project), "--fix")
    assert file.read_bytes() == b"\xef\xbb\xbf" + lines.replace('> "1"', "> 1").encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in project.iterdir()) == ["a.journey", "cij.toml", "data.journey"]


def test_a_content_file_is_mended_too(project: Path) -> None:
    (project / "data.journey").write_text(SHOP.replace("body = ", 'body = file("hi.txt")\n#'))
    (project / "hi.txt").write_text("You have {{ Points | default: 0 }} points.\n")
    journey = "journey j {\n  enter on purchase\n  steps {\n    send email hello\n  }\n}\n"
    (project / "a.journey").write_text(journey)
    inside("check", str(project), "--fix", "--unsafe")
    assert (project / "hi.txt").read_text() == "You have {{ points | default: 0 }} points.\n"


def test_json_is_one_document(project: Path) -> None:
    (project / "a.journey").write_text(segment('points > "1"'))
    code, out, err = inside("check", str(project), "--fix", "--json")
    assert code == 0 and out.startswith("{") and err == "fixed 1 mistake in 1 file\n"


def fault(*edits: tuple[int, int, str], is_safe: bool = True) -> Diagnostic:
    """Return a diagnostic whose fix makes edits in the first line of a file."""
    made = tuple(Edit(Span("a", s, e, 1, s + 1, 1, e + 1), text) for s, e, text in edits)
    return UNKNOWN_NAME.at(made[0].span, "x", fixes=[Fix("x", made, is_safe)])


def test_edits_that_touch_wait_for_the_next_round() -> None:
    texts = {"a": "abcdef"}
    faults = [fault((0, 1, "x"), (4, 5, "y")), fault((1, 2, "z")), fault((2, 3, "w"))]
    chosen = choose(faults, texts, is_unsafe=False)
    assert [f.edits[0].text for f in chosen] == ["x", "w"]


def test_a_fix_is_applied_whole_or_not_at_all() -> None:
    assert choose([fault((0, 1, "x"))], {}, is_unsafe=False) == []
    assert choose([fault((0, 1, "x"), is_safe=False)], {"a": "b"}, is_unsafe=False) == []


def test_the_seeded_project_gets_better(tmp_path: Path) -> None:
    seeded = Path(__file__).parent / "fixtures" / "diagnostics" / "seeded"
    fixed = fix(open_project(seeded), is_unsafe=True)
    assert ROUNDS_MAX > 1 and fixed.count >= 9
    assert len(fixed.compiled.diagnostics) < len(compile_path(seeded).diagnostics)
    assert difference(fixed).count("\n+++ ") == len(fixed.after)


def test_a_file_that_cannot_be_written_is_a_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "a.journey").write_text(segment('points > "1"'))
    fixed = fix(open_project(project), is_unsafe=False)
    write_fixed(fixed)
    assert (project / "a.journey").read_text() == segment("points > 1")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (project / "a.journey").write_text(segment('points > "1"'))
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    code, _, err = inside("check", str(project), "--fix")
    assert code == 3 and "cannot write" in err
    assert (project / "a.journey").read_text() == segment('points > "1"')
