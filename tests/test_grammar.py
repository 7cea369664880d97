"""The parser: trees and messages as golden files, every word in every place, any text at all."""

import os
import re
import string
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import given, strategies as st

from cij.grammar import reserved, syntax, table_cache
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.grammar_text import grammar_sources
from cij.grammar.parser import parse
from cij.grammar.span import Span

Golden = Callable[[str, str], None]
FOLDER = Path(__file__).parent / "fixtures" / "grammar"
FILES = sorted(path.stem for path in FOLDER.glob("*.journey"))


def source(name: str) -> str:
    return (FOLDER / f"{name}.journey").read_text("utf-8")


def parsed(text: str) -> syntax.File:
    node, diagnostics = parse("a.journey", text)
    assert not diagnostics, rendered(diagnostics)
    return node


def rendered(diagnostics: list[Diagnostic]) -> str:
    lines = []
    for found in diagnostics:
        lines.append(f"{found.span.line}:{found.span.column}: {found.code} {found.message}")
        lines += [f"    help: {found.help}"] if found.help else []
        lines += [f"    {label.span.line}: {label.text}" for label in found.related]
    return "".join(f"{line}\n" for line in lines)


def printed(node: Any, indent: str = "") -> str:
    """Print a syntax tree, one node or value a line."""
    if isinstance(node, tuple):
        return "".join(printed(part, indent) for part in node) or f"{indent}()\n"
    if not is_dataclass(node):
        return f"{indent}{node!r}\n"
    parts = [(part.name, getattr(node, part.name)) for part in fields(node) if part.repr]
    text = f"{indent}{type(node).__name__}"
    plain = [f"{name}={value!r}" for name, value in parts if is_plain(value)]
    text += f" {' '.join(plain)}\n" if plain else "\n"
    for name, value in parts:
        if not is_plain(value):
            text += f"{indent}  {name}:\n{printed(value, indent + '    ')}"
    return text


def is_plain(value: object) -> bool:
    return (
        not is_dataclass(value)
        and value != ()
        and not (isinstance(value, tuple) and is_dataclass(value[0]))
    )


# --- golden files -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_trees(name: str, golden: Golden) -> None:
    golden(f"grammar/{name}.tree", printed(parsed(source(name))))


def test_messages(golden: Golden) -> None:
    cases = (FOLDER / "mistakes.txt").read_text("utf-8").rstrip("\n").split("\n---\n")
    texts = [f"{case}\n\n{rendered(parse('a.journey', case)[1])}" for case in cases]
    golden("grammar/mistakes.golden", f"{'-' * 60}\n".join(texts))


# --- places -----------------------------------------------------------------------------------


def nodes(value: object) -> list[syntax.Node]:
    """Return all nodes of a tree, parents first."""
    if isinstance(value, tuple):
        return [node for part in value for node in nodes(part)]
    if not isinstance(value, syntax.Node):
        return []
    below = (getattr(value, part.name) for part in fields(value) if part.name != "span")
    return [value, *(node for part in below for node in nodes(part))]


@pytest.mark.parametrize("name", FILES)
def test_spans_are_exact(name: str) -> None:
    text = source(name)
    for node in nodes(parsed(text)):
        span = node.span
        assert (span.line, span.column) == place(text, span.start)
        assert (span.end_line, span.end_column) == place(text, span.end)
        if isinstance(node, syntax.Name):
            assert text[span.start : span.end].strip("`") == node.text


def place(text: str, offset: int) -> tuple[int, int]:
    lines = text[:offset].split("\n")
    return len(lines), len(lines[-1]) + 1


def test_a_byte_order_mark_counts_as_a_character() -> None:
    node = parsed("\ufeffuse a")
    assert node.declarations[0].span == Span("a.journey", 1, 6, 1, 2, 1, 7)


def test_a_comment_right_above_is_the_documentation() -> None:
    text = "# far\n\n# one\n#  two\nsegment a {\n}\n# not\n\nsegment b {\n}"
    first, second = parsed(text).declarations
    assert isinstance(first, syntax.Declaration) and isinstance(second, syntax.Declaration)
    assert (first.doc, second.doc) == ("one\n two", "")


# --- literals ---------------------------------------------------------------------------------

LITERALS = {
    '"a"': "Text(value='a')",
    r'"\"\\\n\t"': r"""Text(value='"\\\n\t')""",
    '"e\u0301"': "Text(value='é')",
    '"""\n    a\n      b\n  """': r"Text(value='a\n  b')",
    '"""\r\n  a\r\n  b\r\n  """': r"Text(value='a\nb')",
    '"""a"""': "Text(value='a')",
    '"""\n"""': "Text(value='')",
    '"""\n  a "" b"""': "Text(value='a \"\" b')",
    "1_000": "Number(value=Decimal('1000'), is_integer=True)",
    "0.92": "Number(value=Decimal('0.92'), is_integer=False)",
    "true": "Boolean(value=True)",
    "7 days": "Duration(count=7, unit='day', rest=None)",
    "1 second": "Duration(count=1, unit='second', rest=None)",
    "2\thours": "Duration(count=2, unit='hour', rest=None)",
    "12 minutes": "Duration(count=12, unit='minute', rest=None)",
    "3 weeks": "Duration(count=3, unit='week', rest=None)",
    "6 months": "Duration(count=6, unit='month', rest=None)",
    "2 days 3 hours": "Duration(count=2, unit='day', rest=(3, 'hour'))",
    "1 year": "Duration(count=1, unit='year', rest=None)",
    "50 EUR": "Money(amount=Decimal('50'), currency='EUR')",
    "100_000.50 USD": "Money(amount=Decimal('100000.50'), currency='USD')",
    "20%": "Percent(value=Decimal('20'))",
    "2.5 %": "Percent(value=Decimal('2.5'))",
    "2026-12-31": "Date(value=datetime.date(2026, 12, 31))",
    "2026-12-31 09:00": "DateTime(value=datetime.datetime(2026, 12, 31, 9, 0))",
    "2026-12-31 09:00:05": "DateTime(value=datetime.datetime(2026, 12, 31, 9, 0, 5))",
    "09:00": "Time(value=datetime.time(9, 0))",
    "21:00..08:00": "TimeRange(start=datetime.time(21, 0), end=datetime.time(8, 0))",
    "1_000 per day": "Rate(count=1000, unit='day')",
    "a.`b c`.d": "Path(parts=('a', 'b c', 'd'))",
    "año": "Path(parts=('año',))",
    "an\u0303o": "Path(parts=('año',))",
    "[]": "ListOf(items=())",
}


@pytest.mark.parametrize(("text", "expected"), LITERALS.items())
def test_literals(text: str, expected: str) -> None:
    (declaration,) = parsed(f"source a {{\n  key = {text}\n  next = 1\n}}").declarations
    assert isinstance(declaration, syntax.Declaration)
    first, second = declaration.items
    assert isinstance(first, syntax.Setting) and isinstance(second, syntax.Setting)
    assert repr(first.value) == expected


def condition(text: str) -> str:
    """Return how a condition was read, in brackets."""
    (declaration,) = parsed(f"segment a {{ where {text} }}").declarations
    assert isinstance(declaration, syntax.Declaration)
    (where,) = declaration.items
    assert isinstance(where, syntax.Where)
    return bracketed(where.condition)


def bracketed(node: syntax.Expression) -> str:
    if isinstance(node, syntax.Binary):
        return f"({bracketed(node.left)} {node.operator} {bracketed(node.right)})"
    if isinstance(node, syntax.Unary):
        return f"({node.operator} {bracketed(node.operand)})"
    return node.text if isinstance(node, syntax.Path) else type(node).__name__


def test_what_binds_tighter() -> None:
    assert condition("a or b and not c = d") == "(a or (b and (not (c = d))))"
    assert condition("a ?? b + c * - d < e") == "((a ?? (b + (c * (- d)))) < e)"
    assert condition("a - b - c = d / e / f") == "(((a - b) - c) = ((d / e) / f))"
    assert condition("(a or b) and c") == "((a or b) and c)"
    assert condition("not a between b and c and d") == "((not Between) and d)"
    assert parse("a", "segment a { where a = b = c }")[1]


# --- words as names ---------------------------------------------------------------------------


def words() -> set[str]:
    grammar = "\n".join(grammar_sources())
    plain = re.findall(r"^[A-Z]+\.1: /([a-z]+)\(", grammar, re.MULTILINE)
    groups = re.findall(r"^[A-Z]+\.1: /\(\?:([a-z|]+)\)", grammar, re.MULTILINE)
    return {*plain, *(word for group in groups for word in group.split("|")), "days", "messages"}


# Some words in these places are read without a mistake, only not as a name: `end end` as two
# steps, `where true` as that value, `not (a)` and `not -1` as negations.
VALUES = frozenset({"true", "false"})
FIELDS = reserved.FIELD - VALUES
PLACES: dict[str, frozenset[str]] = {
    "use @.@": frozenset(),
    "segment @ { @ = 1\n @ = 1 }": frozenset(),
    "message @ @ { }": frozenset(),
    "journey @ { @ = 1\n @.@ = 1 }": frozenset(),
    "source x { @ { } }": reserved.BLOCK,
    "source x { @ a { } }": reserved.BLOCK,
    "source x { a = b\n @ { } }": reserved.BLOCK_AFTER_VALUE,
    "source x { a = b\n @ a { } }": reserved.BLOCK_AFTER_VALUE,
    "source x { fields @ { } }": frozenset(),
    "lifecycle x { stage @ when a }": frozenset(),
    "segment x { where a = @\n a = 1 }": frozenset(),
    "segment x { where @ > @ and @ + @ in [@, @] }": FIELDS,
    "segment x { where @.@ and not a.@ }": frozenset(),
    "segment x { where any(@ within last 1 day where @ = 1) }": FIELDS,
    "segment x { where @(a) }": VALUES,
    "segment x { where in segment @ and at entry @ > 1 }": frozenset(),
    "journey j { enter from segment @\n enter from segment @ once }": frozenset(),
    "journey j { enter on @\n exit on @\n exit out on @(@) where a }": frozenset(),
    "journey j { enter on e where @ }": FIELDS,
    "journey j { exit @ on e\n exit @ when a }": reserved.EXIT,
    "journey j { goal @ on @\n goal @ on @(@) and stay\n goal @ when a }": frozenset(),
    "journey j { goal g on e where @ = 1 within 1 day }": FIELDS,
    "journey j { renamed @ to @\n removed @ then go to @ }": frozenset(),
    "journey j { removed a then end @\n a = 1 }": reserved.REMOVED_OUTCOME,
    "journey j { steps { end\n @: end\n @: wait 1 day } }": frozenset(),
    "journey j { steps { send @ @\n send @ @ { @ = 1 } } }": frozenset(),
    "journey j { steps { send best of (@, @) } }": frozenset(),
    "journey j { steps { wait for @(@) up to 1 day\n wait for @ up to 1 day } }": frozenset(),
    "journey j { steps { wait until @ at 09:00 } }": FIELDS,
    "journey j { steps { wait until @ - 1 day } }": reserved.WEEKDAYS,
    "journey j { steps { wait up to 1 day { on @ { }\n on @(@) { } } } }": frozenset(),
    "journey j { steps { if @ { } else if @ { } } }": FIELDS,
    "journey j { steps { switch @ { case @, @ { } } } }": FIELDS,
    "journey j { steps { split @ { 10% @ { }\n winner by @ after 1 } } }": frozenset(),
    "journey j { steps { first 1 @ { } } }": frozenset(),
    "journey j { steps { do @\n emit @\n do @ { @ = 1 }\n run @\n run @() } }": frozenset(),
    "journey j { steps { set @ = 1\n set @.@ = 1 } }": frozenset(),
    "journey j { steps { repeat up to 3 times until @ { } } }": FIELDS,
    "journey j { steps { end @ } }": reserved.OUTCOME - {"end"},
    "fragment @(@, @) { }": frozenset(),
    "policy @ { at most 3 @ per 1 day\n @ = 1 }": frozenset(),
    "policy p { never send @ when a }": reserved.NEVER_CHANNEL,
    'test "" for @ { given customer "" { @ = 1\n @ = 1 } }': frozenset(),
    'test "" for j { event @(@) by ""\n event @ by "" { @ = 1 } }': frozenset(),
    'test "" for j { expect sent @ @ to ""\n expect "" ended as @ }': frozenset(),
    'test "" for j { expect "" waiting at @\n expect "" in segment @ }': frozenset(),
    'test "" for j { expect done @ for "" }': frozenset(),
    'test "" for j { cases (@, a) { "" (1, 2) }\n after case.@ }': frozenset(),
    'test "" for j { expect sent sms case.@ to ""\n expect "" ended as case.@ }': frozenset(),
}


@pytest.mark.parametrize(("text", "exceptions"), PLACES.items())
def test_every_word_can_be_a_name(text: str, exceptions: frozenset[str]) -> None:
    refused = {word for word in words() if parse("a", text.replace("@", word))[1]}
    assert refused == exceptions & words()


@pytest.mark.parametrize("text", PLACES)
def test_back_quotes_make_a_name_of_anything(text: str) -> None:
    for name in ("`not`", "`two words`", "`1 {`", "`#`"):
        parsed(text.replace("@", name))


# --- any text ---------------------------------------------------------------------------------

HOSTILE = {
    "letters": "x" * 1_000_000,
    "braces": "{" * 1_000_000,
    "lines": "segment a {\n x y }\n" * 50_000,
    "quotes": '"' * 1_000_000,
    "comments": "#\n" * 500_000,
    "open brackets": "segment a { where " + "(" * 100_000,
    "brackets": "segment a { where " + "(" * 5_000 + "a" + ")" * 5_000 + " }",
    "blocks": "segment a {" + "b { " * 5_000 + "}" * 5_000 + "}",
    "steps": "fragment a {" + "if a { " * 500 + "}" * 500 + "}",
    "nots": "segment a { where " + "not " * 100_000 + "a }",
    "ands": "segment a { where " + " and ".join("a" * 5_000) + " }",
    "NUL": "segment a {\0}",
    "surrogate": "segment a { where \ud800 }",
    "long number": f"segment a {{ x = {'1' * 10_000} }}",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_gives_diagnostics_soon(name: str) -> None:
    start = time.monotonic()
    _, diagnostics = parse("a.journey", HOSTILE[name])
    assert len(diagnostics) <= 50
    assert bool(diagnostics) == (name != "comments")
    assert time.monotonic() - start < 20


def test_nesting_is_allowed_up_to_a_depth() -> None:
    parsed("segment a { where " + "(" * 98 + "a" + ")" * 98 + " }")
    parsed("fragment a {" + "if a { " * 98 + "}" * 98 + "}")


def test_declarations_around_a_mistake_are_returned() -> None:
    text = "segment a {\n}\nsegment b {\n  where =\n}\nsegment c {\n}\njunk\nsegment d {\n}\n"
    node, diagnostics = parse("a.journey", text)
    names = [part.name.text for part in node.declarations if isinstance(part, syntax.Declaration)]
    assert names == ["a", "b", "c", "d"]
    assert [found.span.line for found in diagnostics] == [4, 8]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    parse("a.journey", text)


@given(st.lists(st.sampled_from([*sorted(words()), *string.punctuation, '"a"', "1", "a", "\n"])))
def test_any_words_are_read(parts: list[str]) -> None:
    parse("a.journey", "segment a { " + " ".join(parts))


@given(st.data())
def test_any_cut_of_a_file_is_read(data: st.DataObject) -> None:
    text = source(data.draw(st.sampled_from(FILES)))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    parse("a.journey", text[:start] + text[end:])
    parse("a.journey", text[start:end])


# --- the table --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_grammar_has_no_conflict() -> None:
    table_cache.build(is_strict=True)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[lark.Lark]:
    """Use a cache folder of the test's own. Return the tables that were built, one for each time.

    Building takes seconds, so each is the one of this process.
    """
    known, built = table_cache.table(), list[lark.Lark]()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def build() -> lark.Lark:
        built.append(known)
        return known

    monkeypatch.setattr(table_cache, "build", build)
    return built


def test_the_table_is_kept(tmp_path: Path, own_cache: list[lark.Lark]) -> None:
    table_cache.table.__wrapped__()
    (file,) = (tmp_path / "cij").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "cij").stat().st_mode & 0o777 == 0o700
    table_cache.table.__wrapped__().parse("segment a { }")
    assert len(own_cache) == 1


@pytest.mark.parametrize("damage", [b"", b"junk", b"\x80\x04N.", b"\x80\x04]."])
def test_a_damaged_table_is_built_again(
    damage: bytes, tmp_path: Path, own_cache: list[lark.Lark]
) -> None:
    file = tmp_path / "cij" / f"grammar-{table_cache.fingerprint()}.table"
    file.parent.mkdir(mode=0o700)
    file.write_bytes(damage)
    file.chmod(0o600)
    table_cache.table.__wrapped__().parse("segment a { }")
    assert file.read_bytes() != damage and len(own_cache) == 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no such modes")
@pytest.mark.parametrize(("folder", "file"), [(0o777, 0o600), (0o700, 0o666)])
def test_a_table_that_others_could_write_is_not_read(
    folder: int, file: int, tmp_path: Path, own_cache: list[lark.Lark]
) -> None:
    table_cache.table.__wrapped__()
    path = tmp_path / "cij" / f"grammar-{table_cache.fingerprint()}.table"
    path.chmod(file)
    path.parent.chmod(folder)
    table_cache.table.__wrapped__().parse("segment a { }")
    assert len(own_cache) == 2


def test_a_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, own_cache: list[lark.Lark]
) -> None:
    (tmp_path / "cij").write_text("a file where the folder would be")
    table_cache.table.__wrapped__().parse("segment a { }")
    assert len(own_cache) == 1
