"""Links that a template may print, by which customers change what they get.

{{ links.unsubscribe }}     ends the topic of the message on its channel
{{ links.preferences }}     shows all topics
{{ links.confirm.news }}    agrees to a topic; valid for a week
"""

from collections.abc import Sequence

from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.grammar import codes
from cij.grammar.span import Span

LINKS = "links"
_PLAIN = ("unsubscribe", "preferences")
_CONFIRM = "confirm"


def check_link(names: Sequence[str], span: Span, build: Build) -> None:
    """Report a link that does not exist, or a topic that nobody can agree to."""
    topics = {t.name for t in build.model.topics.values() if t.consent != "none"}
    # Of a topic with a mistake nobody knows whether it needs consent.
    unsure = build.declared["topic"].keys() - build.model.topics.keys()
    if tuple(names) in {(name,) for name in _PLAIN}:
        return
    if len(names) == 2 and names[0] == _CONFIRM and names[1] in topics | unsure:
        return
    written = ".".join([LINKS, *names])
    known = [f"{LINKS}.{name}" for name in _PLAIN]
    known += [f"{LINKS}.{_CONFIRM}.{topic}" for topic in sorted(topics)]
    hint = did_you_mean(written, known)
    message = f"there is no link `{written}`"
    build.report(codes.UNKNOWN_PLACEHOLDER.at(span, message, label="unknown link", help=hint))
