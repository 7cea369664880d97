"""Instants that a source writes as seconds, or thousandths of a second, since 1970 in UTC."""

from sqlglot import exp

from cij.compiler.program import Source
from cij.compiler.source_kinds import EPOCHS, texts
from cij.compiler.sql.columns import literal
from cij.compiler.sql.template import fill


def datetime_formats(source: Source) -> tuple[str, ...]:
    """Return the formats of a source for dates with a time."""
    settings = source.settings
    return texts(settings.get("datetime_format")) or texts(settings.get("date_format"))


# No more digits than fit 64 bits as microseconds.
_EPOCH_NUMBER = {"epoch seconds": "^-?[0-9]{1,12}$", "epoch milliseconds": "^-?[0-9]{1,15}$"}


def since_1970(text: str, raw: exp.Expr) -> exp.Expr:
    """Return the instant that a number stands for; null where the text is no such number."""
    micros = f"TRY_CAST({{r}} AS BIGINT) * {EPOCHS[text]}"
    return fill(
        f"CASE WHEN {{is_number}} THEN MAKE_TIMESTAMP({micros}) END",
        r=raw,
        is_number=is_epoch(text, raw),
    )


def is_epoch(text: str, raw: exp.Expr) -> exp.Expr:
    """Return whether a text is a number of the format."""
    return fill("REGEXP_MATCHES({r}, {pattern})", r=raw, pattern=literal(_EPOCH_NUMBER[text]))
