"""check, fmt, build, sql, explain and catalog, called as their users call them."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cij.app.pages import language_words, word_page
from cij.cli.exits import Exit
from cij.compiler.declarations.head_settings import HEAD_SETTINGS
from cij.compiler.program import from_json
from cij.grammar.grammar_text import DECLARATION_WORDS, grammar_sources
from cij.grammar.parser import parse
from cij.grammar.reserved import OUTCOME, REMOVED_OUTCOME
from tests.conftest import Cij

ROOT = Path(__file__).parents[1]
SEEDED = ROOT / "tests" / "fixtures" / "diagnostics" / "seeded"
LOYALTY = ROOT / "examples" / "loyalty"
TOML = '[project]\nname = "x"\ntimezone = "Europe/Madrid"\n'
UNTIDY = "segment a{where points>3}\n"
TIDY = "segment a {\n  where points > 3\n}\n"
BROKEN = "segment a {\n  where points >\n}\n"
DIALECTS = ("postgres", "spark", "snowflake", "bigquery", "clickhouse")


@pytest.fixture
def loyalty(tmp_path: Path) -> Path:
    """Return a copy of the example that a test may change."""
    ignored = shutil.ignore_patterns(".cij", "outbox")
    return Path(shutil.copytree(LOYALTY, tmp_path / "loyalty", ignore=ignored))


def without_columns(project: Path, *sources: str) -> None:
    """Take the `columns` blocks of some sources away."""
    file = project / "journeys" / "data.journey"
    text = file.read_text()
    for name in sources:
        block = rf"(source {name} {{[^}}]*?)  columns {{[^}}]*}}\n"
        text, count = re.subn(block, r"\1", text)
        assert count == 1, f"source {name} has no columns to take away"
    file.write_text(text)


# --- all of them ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["check", "fmt", "build", "sql", "explain", "catalog"])
def test_help_has_examples(name: str, cij: Cij) -> None:
    done = cij(name, "--help")
    assert done.code == Exit.OK and "Examples:" in done.out


@pytest.mark.parametrize("name", ["check", "build", "sql", "catalog"])
def test_a_folder_without_a_project_is_a_sentence_and_code_3(
    name: str,
    cij: Cij,
    tmp_path: Path,
) -> None:
    done = cij(name, tmp_path)
    assert done.code == Exit.CONFIG and "cij.toml" in done.err and done.out == ""


@pytest.mark.parametrize("name", ["check", "build", "catalog", "fmt"])
def test_a_path_that_does_not_exist_is_a_sentence_and_code_3(
    name: str,
    cij: Cij,
) -> None:
    done = cij(name, "/no/such/place")
    assert done.code == Exit.CONFIG and "/no/such/place" in done.err


@pytest.mark.parametrize("name", ["build", "sql"])
def test_what_needs_a_program_shows_the_errors_and_stops(name: str, cij: Cij) -> None:
    done = cij(name, SEEDED)
    assert done.code == Exit.ERRORS and done.out == "" and "error[CIJ" in done.err
    assert "warning[" not in done.err


# --- check ------------------------------------------------------------------------------------


def test_check_of_a_clean_project_is_one_line(cij: Cij) -> None:
    done = cij("check", LOYALTY)
    assert done.code == Exit.OK and done.err == ""
    assert done.out == "ok: 2 files, 2 journeys, 2 segments, 3 messages\n"


def test_check_prints_no_colour_without_a_terminal(cij: Cij) -> None:
    assert "\x1b" not in cij("check", SEEDED).out


def test_check_as_json_has_the_promised_shape(cij: Cij) -> None:
    done = cij("check", SEEDED, "--format", "json")
    content = json.loads(done.out)
    assert done.code == Exit.ERRORS and set(content) == {
        "version",
        "diagnostics",
        "suppressed",
        "summary",
    }
    assert content["summary"]["errors"] + content["summary"]["warnings"] == len(
        content["diagnostics"]
    )
    assert json.loads(cij("check", LOYALTY, "--format", "json").out)["diagnostics"] == []


@pytest.mark.parametrize(
    ("format_name", "words"),
    [("concise", "journeys/data.journey:4:3: CIJ204 "), ("github", "::error file=journeys/data")],
)
def test_check_has_forms_for_editors_and_github(format_name: str, words: str, cij: Cij) -> None:
    assert cij("check", SEEDED, "--format", format_name).out.startswith(words)


def test_check_as_sarif_is_one_log(cij: Cij) -> None:
    assert json.loads(cij("check", SEEDED, "--format", "sarif").out)["version"] == "2.1.0"


def test_warnings_fail_the_check_only_when_denied(cij: Cij, loyalty: Path) -> None:
    file = loyalty / "journeys" / "loyalty.journey"
    text = file.read_text().replace(
        '      code = "LOYAL20"', '      code = "A"\n      hue = "red"', 1
    )
    file.write_text(text)
    done = cij("check", loyalty)
    assert (
        done.code == Exit.OK and "warning[CIJ605]" in done.out and "ok, with warnings" in done.out
    )
    assert cij("check", loyalty, "--deny", "warnings").code == Exit.ERRORS


def test_a_project_without_files_is_told_what_to_do(cij: Cij, tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text(TOML)
    done = cij("check", tmp_path)
    assert done.code == Exit.ERRORS and "there is no .journey file yet" in done.out


def test_a_damaged_catalog_says_how_to_mend_it(cij: Cij, loyalty: Path) -> None:
    (loyalty / "catalog.lock.json").write_text("{")
    done = cij("check", loyalty)
    assert done.code == Exit.CONFIG and "cij catalog refresh" in done.err


# --- fmt --------------------------------------------------------------------------------------


def test_fmt_writes_and_says_so(cij: Cij, tmp_path: Path) -> None:
    file = tmp_path / "a.journey"
    file.write_text(UNTIDY)
    file.chmod(0o640)
    done = cij("fmt", tmp_path)
    assert done.code == Exit.OK and done.out == f"formatted {file}\n"
    assert file.read_text() == TIDY and file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a.journey"]
    assert cij("fmt", tmp_path).err == "0 changed, 1 unchanged\n"


def test_fmt_check_and_diff_write_nothing(cij: Cij, tmp_path: Path) -> None:
    file = tmp_path / "a.journey"
    file.write_text(UNTIDY)
    done = cij("fmt", tmp_path, "--check")
    assert done.code == Exit.ERRORS and done.out == f"{file}\n"
    done = cij("fmt", tmp_path, "--diff")
    assert done.code == Exit.OK and "-segment a{where points>3}\n+segment a {\n" in done.out
    assert cij("fmt", tmp_path, "--diff", "--check").code == Exit.ERRORS
    assert file.read_text() == UNTIDY


def test_fmt_leaves_a_broken_file_alone_and_formats_the_others(cij: Cij, tmp_path: Path) -> None:
    (tmp_path / "a.journey").write_text(BROKEN)
    (tmp_path / "b.journey").write_text(UNTIDY)
    (tmp_path / "c.journey").write_bytes(b"\xff\xfe")
    done = cij("fmt", tmp_path)
    assert done.code == Exit.ERRORS and "CIJ101" in done.err and "CIJ102" in done.err
    assert (tmp_path / "a.journey").read_text() == BROKEN
    assert (tmp_path / "b.journey").read_text() == TIDY
    assert done.err.endswith("1 changed, 0 unchanged, 2 with errors\n")


def test_fmt_skips_hidden_folders_and_follows_a_link_to_its_file(cij: Cij, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.journey").write_text(UNTIDY)
    (tmp_path / "real.txt").write_text(UNTIDY)
    (tmp_path / "b.journey").symlink_to(tmp_path / "real.txt")
    cij("fmt", tmp_path)
    assert (tmp_path / ".git" / "a.journey").read_text() == UNTIDY
    assert (tmp_path / "b.journey").is_symlink() and (tmp_path / "real.txt").read_text() == TIDY


@pytest.mark.parametrize(("text", "code", "out"), [(UNTIDY, 0, TIDY), (BROKEN, 1, ""), ("", 0, "")])
def test_fmt_reads_standard_input(text: str, code: int, out: str) -> None:
    done = _process(["fmt", "-", "--stdin-filename", "x.journey"], text)
    assert (done.returncode, done.stdout) == (code, out)
    assert code == 0 or "x.journey:2" in done.stderr


def test_fmt_of_standard_input_stands_alone(cij: Cij) -> None:
    assert cij("fmt", "-", "a.journey").code == Exit.USAGE


def _process(
    arguments: Sequence[str], text: str = "", folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from cij.cli.main import main; main()", *arguments]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, cwd=folder
    )


# --- build ------------------------------------------------------------------------------------


def test_build_prints_a_program_that_can_be_read_back(cij: Cij, tmp_path: Path) -> None:
    program = from_json(cij("build", LOYALTY).out)
    assert program.project == "loyalty" and len(program.hash) == 64
    file = tmp_path / "deep" / "program.json"
    done = cij("build", LOYALTY, "-o", file)
    assert from_json(file.read_text()) == program and done.out == ""
    assert f"program {program.hash[:16]}" in done.err
    assert f"journey loyalty_reward {program.journeys[0].version[:16]}" in done.err


def test_build_prints_the_schema_outside_of_any_project(cij: Cij, tmp_path: Path) -> None:
    schema = json.loads(cij("build", tmp_path, "--schema").out)
    assert "journeys" in schema["properties"]


def test_build_into_a_folder_that_cannot_be_made_is_a_sentence(cij: Cij, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cij("build", LOYALTY, "-o", tmp_path / "file" / "program.json")
    assert done.code == Exit.CONFIG and "cannot write" in done.err


# --- sql --------------------------------------------------------------------------------------


def test_sql_prints_every_segment(cij: Cij) -> None:
    done = cij("sql", LOYALTY)
    assert done.out.startswith("-- segment loyal\n") and "-- segment big_spenders\n" in done.out
    assert "generated only" not in done.out


def test_sql_of_a_measure_has_id_and_value(cij: Cij) -> None:
    out = cij("sql", LOYALTY, "lifetime_value").out
    assert '"c"."id"' in out and 'AS "value"' in out


def test_sql_of_a_journey_is_its_whole_plan(cij: Cij) -> None:
    out = cij("sql", LOYALTY, "loyalty_reward").out
    parts = [line for line in out.splitlines() if line.startswith("-- ")]
    heads = ["-- journey loyalty_reward", "-- entry from segment loyal", "-- admit"]
    heads += ["-- region from reward: pick", "-- timers", "-- reaction on purchase"]
    places = [next(n for n, part in enumerate(parts) if part.startswith(head)) for head in heads]
    assert places == sorted(places)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sql_of_other_dialects_says_that_it_was_not_run(dialect: str, cij: Cij) -> None:
    done = cij("sql", LOYALTY, "loyalty_reward", "--dialect", dialect)
    first = done.out.splitlines()[0]
    assert first.startswith("-- generated only: not run against a real ")
    assert first.endswith(" in this version") and done.err == ""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["big_spenders", "loyal"])
def test_sql_of_conditions_says_where_it_is_tested(dialect: str, name: str, cij: Cij) -> None:
    first = cij("sql", LOYALTY, name, "--dialect", dialect).out.splitlines()[0]
    support = "tested: conditions" if dialect == "postgres" else "generated only: not run"
    assert first.startswith(f"-- {support}")
    content = json.loads(cij("sql", LOYALTY, name, "--dialect", dialect, "--json").out)
    assert content["support"] == support.partition(":")[0] and not content["is_executed"]


def test_sql_as_json_has_statements_with_parameters(cij: Cij) -> None:
    content = json.loads(cij("sql", LOYALTY, "big_spenders", "--json").out)
    [statement] = content["statements"]
    assert statement["of"] == "segment big_spenders" and statement["parameters"] == ["now"]


@pytest.mark.slow
def test_sql_of_a_name_alone_looks_in_this_folder() -> None:
    assert "-- segment loyal" in _process(["sql", "loyal"], folder=LOYALTY).stdout


def test_sql_of_an_unknown_name_suggests_one(cij: Cij) -> None:
    done = cij("sql", LOYALTY, "loyalx")
    assert done.code == Exit.USAGE and "did you mean `loyal`" in done.err
    assert cij("sql", LOYALTY, "a", "b").code == Exit.USAGE


# --- explain ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "head"), [("cij601", "# CIJ601 "), ("S16", "# S16 Order")])
def test_explain_prints_pages_anywhere(what: str, head: str, tmp_path: Path) -> None:
    done = _process(["explain", what], folder=tmp_path)
    assert done.returncode == Exit.OK and done.stdout.startswith(head)


def test_explain_says_what_a_journey_does(cij: Cij) -> None:
    out = cij("explain", "loyalty_reward", LOYALTY).out
    assert "Rewards customers who cross the loyalty threshold." in out
    assert "everybody in segment loyal at the start, and everybody who joins it later" in out
    assert "      thanks: send email loyal20_thanks\n" in out


@pytest.mark.parametrize("name", ["loyal", "lifetime_value", "loyal20", "purchase", "rewards"])
def test_explain_knows_every_kind_of_name(name: str, cij: Cij) -> None:
    out = cij("explain", name, LOYALTY).out
    assert f" {name}  (journeys/" in out and len(out.splitlines()) > 1


@pytest.mark.slow
def test_explain_lists_what_there_is(cij: Cij, tmp_path: Path) -> None:
    out = cij("explain", LOYALTY).out
    assert "journey: loyalty_reward, coupon_thanks" in out and "  S27 " in out
    assert "  CIJ101" in _process(["explain"], folder=tmp_path).stdout


@pytest.mark.slow
@pytest.mark.parametrize("words", [["goal"], ["Send"], ["at", "most"], ["ends"]])
def test_explain_knows_the_words_of_the_language(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "goal").mkdir()
    done = _process(["explain", *words], folder=tmp_path)
    assert done.returncode == Exit.OK, done.stderr
    assert " ".join(words).lower() in done.stdout.splitlines()[0] and "```journey" in done.stdout


def test_a_name_of_the_project_and_a_word_are_both_told(cij: Cij, loyalty: Path) -> None:
    file = loyalty / "journeys" / "loyalty.journey"
    file.write_text(file.read_text("utf-8").replace("big_spenders", "goal"), encoding="utf-8")
    out = cij("explain", "goal", loyalty).out
    assert out.startswith("segment goal") and "# goal\n\nIn the head of a journey." in out
    assert cij("explain", "control", "group").out.startswith("# control group\n\nThe share")


# What stands around the examples of a word, by what its page begins with.
_FRAMES = {
    "In a value by cases.": "@",
    "A declaration.": "@",
    "A step.": "journey j {\n  steps {\n@\n  }\n}",
    "In the head of a journey.": "journey j {\n@\n}",
    "A setting of a journey.": "journey j {\n@\n}",
    "In a test.": 'test "t" for j {\n@\n}',
    "In a policy.": "policy p {\n@\n}",
    "In a condition.": "segment s {\n@\n}",
    "In a message.": "message email m {\n@\n}",
}


@pytest.mark.parametrize("word", language_words())
def test_the_example_of_a_word_can_be_read(word: str) -> None:
    text = word_page(word)
    assert text is not None
    [frame] = [f for begin, f in _FRAMES.items() if f"\n\n{begin} " in text]
    example = text.split("```journey\n")[1].partition("```")[0]
    assert parse("a.journey", frame.replace("@", example))[1] == []
    assert word in example or word in ("unknown", "min", "max", "avg", "any", "last")


def test_explain_knows_every_word_of_the_grammar() -> None:
    lines = "\n".join(grammar_sources()[:2]).splitlines()
    words = [word for line in lines for word in _written_words(line)]
    assert {"do", "starts with any of", "no other", "sunday", "distinct"} <= {*words}
    assert [word for word in dict.fromkeys(words) if word_page(word) is None] == []


def _written_words(line: str) -> list[str]:
    """Return the words that a terminal of the grammar matches, without its look-ahead."""
    found = re.match(r"[A-Z_]+\.\d: /(.+)/$", line)
    if found is None:
        return []
    text = found[1].replace(r"[ \t\r\n]+", " ").partition("(?=")[0].partition("(?!")[0]
    choices = re.fullmatch(r"\(\?:([a-z|]+)\)(?:s\?)?", text)
    return choices[1].split("|") if choices else [text]


def test_no_declaration_step_or_setting_is_without_a_page() -> None:
    later = {"enrich", "predict", "score", "lifecycle"}
    settings = {row.word for row in HEAD_SETTINGS}
    wanted = {*DECLARATION_WORDS, *OUTCOME, *REMOVED_OUTCOME, *settings} - later
    assert wanted <= set(language_words())


def test_explain_of_nothing_suggests_and_fails(cij: Cij) -> None:
    done = cij("explain", "loyality_reward", LOYALTY)
    assert done.code == Exit.USAGE and "did you mean `loyalty_reward`" in done.err
    assert "did you mean `goal`" in cij("explain", "gaol").err
    assert "CIJ602" in cij("explain", "CIJ6O2").err


def test_explain_tells_programs_too(cij: Cij) -> None:
    text = cij("explain", "goal").out
    found = json.loads(cij("explain", "goal", "--json").out)
    assert found == {"version": 1, "what": "goal", "texts": [text]}
    page = json.loads(cij("explain", "CIJ602", "--json").out)
    assert page["texts"] == [cij("explain", "CIJ602").out]
    there_is = json.loads(cij("explain", LOYALTY, "--json").out)
    assert "loyalty_reward" in there_is["names"]["journey"] and "goal" in there_is["words"]
    assert "CIJ602" in there_is["codes"] and "S16" in there_is["rules"]


def test_explain_goes_on_where_the_project_has_errors(cij: Cij) -> None:
    done = cij("explain", "welcome", SEEDED)
    assert done.code == Exit.OK and "errors; see `cij check`" in done.err


# --- catalog ----------------------------------------------------------------------------------


def test_catalog_lists_all_that_can_be_named(cij: Cij) -> None:
    out = cij("catalog", LOYALTY).out
    for words in ("source shop (csv", "points      integer  cards", "amount money EUR", "loyal20"):
        assert words in out


def test_catalog_as_json_has_the_promised_shape(cij: Cij) -> None:
    content = json.loads(cij("catalog", LOYALTY, "--json").out)
    kinds = {"sources", "entities", "profile", "events", "measures", "segments", "messages"}
    assert set(content) == {"version", *kinds}
    [points] = [f for f in content["profile"]["fields"] if f["name"] == "points"]
    assert points == {"name": "points", "type": "integer", "sources": ["cards"]}


def types_of(text: str) -> dict[str, dict[str, str]]:
    """Return the types of columns by source, as `cij catalog --json` prints them."""
    sources = json.loads(text)["sources"]
    return {s["name"]: {c["name"]: c["type"] for c in s["columns"]} for s in sources}


@pytest.mark.slow
def test_refresh_finds_the_columns_that_the_example_declares(cij: Cij, loyalty: Path) -> None:
    declared = types_of(cij("catalog", loyalty, "--json").out)
    without_columns(loyalty, "shop", "orders")
    assert cij("check", loyalty, "--format", "concise").out.count("CIJ210") == 2
    done = cij("catalog", "refresh", loyalty)
    assert done.code == Exit.OK and "source cards\n" in done.out
    assert types_of(cij("catalog", loyalty, "--json").out) == declared
    assert cij("check", loyalty).code == Exit.OK


def test_a_misspelled_refresh_is_no_path(cij: Cij) -> None:
    done = cij("catalog", "refersh")
    assert done.code == Exit.USAGE and "did you mean `refresh`" in done.err


@pytest.mark.slow
def test_refresh_is_stable(cij: Cij, loyalty: Path) -> None:
    without_columns(loyalty, "shop", "cards", "orders")
    cij("catalog", "refresh", loyalty)
    file = loyalty / "catalog.lock.json"
    first = file.read_bytes()
    assert "is up to date" in cij("catalog", "refresh", loyalty).out and file.read_bytes() == first
    columns = json.loads(first)["sources"]["cards"]["columns"]
    assert list(columns)[:2] == ["card_no", "holder"] and columns["points"]["type"] == "integer"
    assert columns["card_no"]["type"] == "text"


def test_refresh_tells_types_apart(cij: Cij, tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text(TOML)
    (tmp_path / "a.journey").write_text(
        'source a {\n  kind = csv\n  path = "a.csv"\n  key = id\n}\n'
    )
    head = "id,zip,n,price,flag,day,at,mixed,none,Puntos de fidelización\n"
    rows = "1,01234,-5,1.50,true,2026-01-31,2026-01-31 09:00,1,,3\n"
    rows += "2,99999,7,2,false,2026-02-28,2026-01-31T09:00:05Z,x,,\n"
    (tmp_path / "a.csv").write_text(head + rows)
    assert cij("catalog", "refresh", tmp_path).code == Exit.OK
    lock = json.loads((tmp_path / "catalog.lock.json").read_text())
    columns = lock["sources"]["a"]["columns"]
    types = "integer text integer decimal boolean date datetime text text integer"
    assert " ".join(column["type"] for column in columns.values()) == types
    assert columns["none"]["unknown_share"] == 1.0
    assert columns["Puntos de fidelización"]["unknown_share"] == 0.5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('kind = csv\n  path = "none.csv"', "there is no file none.csv"),
        ('kind = sqlite\n  path = "a.db"', "see `cij check`"),
        ('kind = csv\n  path = "empty.csv"', "is empty"),
    ],
)
def test_refresh_names_each_source_that_cannot_be_read(
    settings: str, words: str, cij: Cij, tmp_path: Path
) -> None:
    (tmp_path / "cij.toml").write_text(TOML)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "a.journey").write_text(f"source a {{\n  {settings}\n  key = id\n}}\n")
    done = cij("catalog", "refresh", tmp_path)
    assert done.code == Exit.DATA and words in done.err
    assert "up to date" not in done.out + done.err
