"""Virtual time writes messages as a run does, so that a template that fails shows up in it.

    queued rows --render subject and body--> failed, with the reason, or left queued

Nothing that was written is kept. A template without arithmetic and filters cannot fail for one customer
only, so its messages are not written.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.program import Content, Message
from cij.runtime.delivery import outbox
from cij.runtime.delivery.rendered_values import number
from cij.runtime.engine import Engine
from cij.runtime.errors import DeliveryError, reason_of
from cij.runtime.store import rehearsal as statements

# A tag, or a filter other than `default`.
_MAY_FAIL = re.compile(r"\{%|\{\{[^}]*\|(?!\s*default\b)")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Writes messages. `texts` are those that may fail, by the hash of their content."""

    engine: Engine
    texts: dict[str, Message]

    @staticmethod
    def of(engine: Engine) -> "Rehearsal":
        """Return the rehearsal of all messages that steps of a store may send."""
        hashes = [hash for (hash,) in engine.rows(statements.CONTENTS)]
        found = outbox.contents(engine, hashes)
        messages = {hash: Message.model_validate_json(text) for hash, text in found.items()}
        risky = {hash: m for hash, m in messages.items() if any(map(_may_fail, m.locales))}
        return Rehearsal(engine, risky)

    def write(self, now: datetime) -> int:
        """Mark as failed the due messages that cannot be written, with their reasons; return how many."""
        if not self.texts:
            return 0
        parameters = {"contents": json.dumps([*self.texts]), "now": now}
        failed = []
        for effect, passage, turn, content, locale, values in self.engine.rows(
            statements.DUE, parameters
        ):
            reason = _fault(self.texts[content], locale, values)
            if reason is not None:
                id = {"effect": effect, "passage": passage, "turn": turn}
                failed.append({**id, "reason": reason})
        if failed:
            self.engine.execute(statements.FAIL, {"rows": json.dumps(failed), "now": now})
        return len(failed)


def _may_fail(content: Content) -> bool:
    return any(_MAY_FAIL.search(text) for text in (content.subject, content.body))


def _fault(message: Message, locale: str | None, values: str | None) -> str | None:
    """Return why a message cannot be written, in the words of a run; None where it can."""
    # The template engine is loaded only where there is something to write.
    from cij.runtime.delivery.render import choose_locale, render

    known = json.loads(values or "{}", parse_float=number)
    try:
        render(choose_locale(message, locale), known)
    except DeliveryError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this message (S28)
        return f"it cannot be written: {reason_of(error)}"
    return None
