"""The author's mistakes, as values. They are collected and rendered, never raised."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from cij.grammar.span import Span


class Severity(Enum):
    """How much a diagnostic weighs. Only an error keeps a program from being built."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains a diagnostic, with a few words of its own."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what `span` covers by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that removes the diagnostic. `is_safe` promises that the meaning stays or was none."""

    title: str
    edits: tuple[Edit, ...]
    is_safe: bool = True


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake of the author.

    `message` starts lower-case, ends without a full stop and quotes the author's words in
    backticks; advice goes to `help`. `label` is what stands beside the carets.
    """

    code: str
    slug: str
    severity: Severity
    message: str
    span: Span
    label: str = ""
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    fixes: tuple[Fix, ...] = field(default=())

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A warning that the author allows, and why."""

    diagnostic: Diagnostic
    reason: str


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table of codes. A code is published once and never used again."""

    code: str
    slug: str
    severity: Severity
    summary: str

    def at(
        self,
        span: Span,
        message: str,
        *,
        label: str = "",
        help: str | None = None,
        related: Iterable[Label] = (),
        notes: Iterable[str] = (),
        fixes: Iterable[Fix] = (),
    ) -> Diagnostic:
        """Return a diagnostic of this code at `span`."""
        return Diagnostic(
            self.code,
            self.slug,
            self.severity,
            message,
            span,
            label,
            tuple(related),
            tuple(notes),
            help,
            tuple(fixes),
        )
