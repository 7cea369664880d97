"""The zone behind a time: `09:00 in "Europe/Madrid"`."""

from cij.compiler.pass_state import Build
from cij.grammar import codes, syntax


def named_zone(node: syntax.Text | None, build: Build) -> str | None:
    """Return the zone that `in "Europe/Madrid"` names; None without one, and after a mistake."""
    if node is None or build.is_zone(node.value):
        return None if node is None else node.value
    message = f"`{node.value}` is not an IANA time zone"
    build.report(codes.BAD_SETTING.at(node.span, message, help='for example "Europe/Madrid"'))
    return None
