"""Policies as text, for `explain` and the notes of graphs."""

from collections.abc import Iterable, Iterator

from cij.compiler import program as pg
from cij.compiler.unparse import cap_words, hours_words, words


def policy_lines(policy: pg.Policy) -> Iterator[str]:
    """Yield what a policy says, a rule a line, as the author would write it."""
    if policy.requires_consent:
        yield "every send requires consent"
    for hours in policy.quiet:
        yield f"quiet {hours_words(hours)}"
    for cap in policy.caps:
        yield cap_words(cap) + (", or wait" if cap.waits else "")
    for never in policy.never:
        channel = f" {never.channel}" if never.channel else ""
        yield f"never send{channel} when {words(never.condition)}"


def policy_notes(policies: Iterable[pg.Policy]) -> tuple[str, ...]:
    """Return one note for each policy."""
    notes = ((policy.name, "; ".join(policy_lines(policy))) for policy in policies)
    return tuple(f"policy {name}: {text}" for name, text in notes if text)
