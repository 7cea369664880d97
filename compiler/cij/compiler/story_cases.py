"""A test with a table of cases: one test for each row, with the values of the row in its lines.

    syntax.Test --cases_of--> Case, Case, …

A value keeps its place in the table, so a mistake in it is reported there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic, Label
from cij.grammar.span import Span

CASE = "case"
EXAMPLE = 'write the columns, then a row for each case: `cases (points) { "few points" (10) }`'


@dataclass(frozen=True, slots=True)
class Case:
    """A test as it is played. `name` is that of the row, and None without a table.

    `span` is the place of the row, or of the test.
    """

    title: str
    test: syntax.Test
    span: Span
    name: str | None = None
    columns: Mapping[str, syntax.Expression] = field(default_factory=dict)


def cases_of(test: syntax.Test, build: Build) -> list[Case]:
    """Return the cases of a test; the test itself, if it has no table.

    Mistakes of the table go to `build`. A case with one of them is left out.
    """
    tables = [s for s in test.statements if isinstance(s, syntax.CaseTable)]
    for second in tables[1:]:
        related = [Label(tables[0].span, "first here")]
        message = "a test has one table of cases"
        build.report(codes.TEST_CASES.at(second.span, message, related=related))
    return _of_table(tables[0], test, build) if tables else _without_table(test, build)


def _without_table(test: syntax.Test, build: Build) -> list[Case]:
    filling = _Filling(build, None, {})
    filling.filled_test(test)
    return [] if filling.is_broken else [Case(test.title.value, test, test.span)]


def _of_table(table: syntax.CaseTable, test: syntax.Test, build: Build) -> list[Case]:
    _check_columns(table, build)
    found, used = list[Case](), set[str]()
    rows = list(_sound_rows(table, build))
    for row in rows:
        columns = {c.text: v for c, v in zip(table.columns, row.values, strict=True)}
        filling = _Filling(build, table, columns)
        filled = filling.filled_test(test)
        used |= filling.used
        if not filling.is_broken:
            name, title = row.title.value, f"{test.title.value}: {row.title.value}"
            found.append(Case(title, filled, row.span, name, columns))
    if rows:
        _check_use(table, used, build)
    return found


# --- the table --------------------------------------------------------------------------------


def _check_columns(table: syntax.CaseTable, build: Build) -> None:
    _report_twice(((c.text, c.span) for c in table.columns), "column", build)
    _report_twice(((r.title.value, r.title.span) for r in table.rows), "case", build)
    if not table.columns or not table.rows:
        missing = "column" if not table.columns else "case"
        message = f"the table of cases has no {missing}"
        build.report(codes.TEST_CASES.at(table.span, message, help=EXAMPLE))


def _report_twice(named: Iterator[tuple[str, Span]], kind: str, build: Build) -> None:
    first: dict[str, Span] = {}
    for name, span in named:
        if name in first:
            related = [Label(first[name], "first here")]
            message = f"the test has two {kind}s with the name `{name}`"
            build.report(codes.DUPLICATE_NAME.at(span, message, related=related))
        first.setdefault(name, span)


def _sound_rows(table: syntax.CaseTable, build: Build) -> Iterator[syntax.CaseRow]:
    wanted = len(table.columns)
    for row in table.rows:
        if len(row.values) == wanted:
            yield row
            continue
        has, holds = _counted(len(row.values), "value"), _counted(wanted, "column")
        message = f"the case has {has}, and the table {holds}"
        hint = "the columns are " + ", ".join(f"`{c.text}`" for c in table.columns)
        build.report(codes.TEST_CASES.at(row.span, message, help=hint))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _check_use(table: syntax.CaseTable, used: set[str], build: Build) -> None:
    for column in table.columns:
        if column.text not in used:
            message = f"no line of the test uses the column `{column.text}`"
            hint = f"write `case.{column.text}` where its value belongs"
            build.report(codes.TEST_CASES.at(column.span, message, help=hint))


# --- the values in the lines ------------------------------------------------------------------


@dataclass(slots=True)
class _Filling:
    """The values of one row. `used` holds the columns that some line reads.

    `is_broken` is true after a mistake.
    """

    build: Build
    table: syntax.CaseTable | None
    columns: Mapping[str, syntax.Expression]
    used: set[str] = field(default_factory=set)
    is_broken: bool = False

    def filled_test(self, test: syntax.Test) -> syntax.Test:
        """Return the test with values in place of columns, which says nothing if it is broken."""
        lines = (s for s in test.statements if not isinstance(s, syntax.CaseTable))
        return replace(test, statements=tuple(self._line(line) for line in lines))

    def _line(self, line: syntax.Statement) -> syntax.Statement:
        changed: dict[str, Any] = {}
        for name in (f.name for f in fields(line) if f.name != "span"):
            value = getattr(line, name)
            if name in _KINDS and isinstance(value, syntax.Path):
                changed[name] = self._of_kind(value, *_KINDS[name])
            else:
                changed[name] = self._filled(value)
        return replace(line, **changed)

    def _of_kind(self, node: syntax.Path, kind: "_Kind", example: str) -> syntax.Node | None:
        column = node.parts[1]
        if column not in self.columns:
            self._report_unknown(node)
            return None
        self.used.add(column)
        value = self.columns[column]
        found = kind(value)
        if found is None:
            message = f"the test needs {example} for `{node.text}` here"
            related = [Label(node.span, "used here")]
            self._report(codes.TEST_CASES.at(value.span, message, related=related))
        return found

    def _filled(self, value: Any) -> Any:
        # Without a table, `case.x` may be a field like any other.
        if self.table is None:
            return value
        if self.table is None:
            return value
        if isinstance(value, tuple):
            return tuple(self._filled(item) for item in value)
        if isinstance(value, syntax.Path):
            return self._path(value)
        if not isinstance(value, syntax.Node):
            return value
        # The key of a setting is a name of the project, also if it looks like a column.
        names = [f.name for f in fields(value) if f.name not in ("span", "key")]
        return replace(value, **{name: self._filled(getattr(value, name)) for name in names})

    def _path(self, node: syntax.Path) -> syntax.Expression:
        if node.parts[0] != CASE or len(node.parts) != 2:
            return node
        if node.parts[1] in self.columns:
            self.used.add(node.parts[1])
            return self.columns[node.parts[1]]
        # A project may have an entity `case`, such as a complaint.
        if CASE not in self.build.declared["entity"]:
            self._report_unknown(node)
        return node

    def _report_unknown(self, node: syntax.Path) -> None:
        if self.table is None:
            message, hint = f"the test has no table of cases for `{node.text}`", EXAMPLE
        else:
            message = f"the table of cases has no column `{node.parts[1]}`"
            hint = did_you_mean(node.parts[1], self.columns) or ""
        self._report(codes.TEST_CASES.at(node.span, message, help=hint or None))

    def _report(self, diagnostic: Diagnostic) -> None:
        self.is_broken = True
        self.build.report(diagnostic)


_Kind = Callable[[syntax.Expression], syntax.Node | None]


def _name(value: syntax.Expression) -> syntax.Name | None:
    if isinstance(value, syntax.Path) and len(value.parts) == 1:
        return syntax.Name(value.parts[0], span=value.span)
    return None


def _duration(value: syntax.Expression) -> syntax.Duration | None:
    return value if isinstance(value, syntax.Duration) else None


def _moment(value: syntax.Expression) -> syntax.DateTime | None:
    return value if isinstance(value, syntax.DateTime) else None


# What a line takes in these places, where a value is not any expression.
_KINDS: dict[str, tuple[_Kind, str]] = {
    "message": (_name, "the name of a message"),
    "outcome": (_name, "the name of an outcome"),
    "step": (_name, "the label of a step"),
    "duration": (_duration, "a duration such as `2 days`"),
    "at": (_moment, "a time such as `2026-03-02 10:00`"),
    "until": (_moment, "a time such as `2026-03-02 10:00`"),
    "moment": (_moment, "a time such as `2026-03-02 10:00`"),
}
