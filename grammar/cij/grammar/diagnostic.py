"""Mistakes of the author as values. They are collected and rendered, never raised.

So one run can report many of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from cij.grammar.span import Span


class Severity(Enum):
    """The severity of a diagnostic. Only an error prevents a program from being built."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains a diagnostic, with a short text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of the text in `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that removes the diagnostic. `is_safe` means that no valid meaning is changed."""

    title: str
    edits: tuple[Edit, ...]
    is_safe: bool = True


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake of the author.

    `message` starts in lower case, has no full stop at its end and quotes the author's words in
    backticks. Advice belongs in `help`. `label` is the text beside the carets.
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
    """A warning that the author allows, with their reason."""

    diagnostic: Diagnostic
    reason: str


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table of codes. A published code is never used for another mistake."""

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
