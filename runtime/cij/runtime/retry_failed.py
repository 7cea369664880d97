"""Messages that could not be written go out after what was wrong in them is mended (S28).

What is wrong lies in the template, in the sender or in a setting, so nothing is tried again before one
of them has changed.
"""

from datetime import datetime

from cij.compiler.program import Program, content_hash
from cij.runtime.delivery import Defaults
from cij.runtime.engine import Engine
from cij.runtime.store import meta, outbox


def write_again(engine: Engine, program: Program, defaults: Defaults, now: datetime) -> int:
    """Queue again what could not be written, with the text of now; return how many messages.

    What has expired stays as it is, and so does what a stopped journey wanted to send.
    """
    mark = content_hash([list(program.messages), list(program.actions), defaults.texts()])
    with engine.transaction():
        if mark == meta.value(engine, meta.TEXTS):
            return 0
        meta.put(engine, meta.TEXTS, mark)
        if not engine.rows(outbox.HAS_UNWRITTEN)[0][0]:
            return 0
        for message in program.messages:
            new = {"channel": message.channel, "message": message.name}
            engine.execute(outbox.TAKE_NEW_TEXT, {**new, "content": content_hash(message)})
        for action in program.actions:
            new = {"channel": "action", "message": action.name}
            engine.execute(outbox.TAKE_NEW_TEXT, {**new, "content": content_hash(action)})
        return engine.execute(outbox.WRITE_AGAIN, {"now": now})
