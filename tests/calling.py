"""A small project with a field of each type, whose journey calls actions."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.compile import compiled
from cij.app.standard_library import library
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.grammar.diagnostic import Diagnostic
from cij.runtime.delivery import Defaults
from cij.runtime.delivery.channels import Outcome, Prepared
from cij.runtime.engine import open_engine
from cij.runtime.runner import Runner, open_runner, step
from cij.runtime.store.keys import DOUBLE_MESSAGES

NOW = datetime(2026, 3, 2, 9, 0)

DATA = """\
source shop {
  kind = csv
  path = "customers.csv"
  key = id
  columns {
    id = text
    email = text
    points = integer
    spent = money(EUR)
    share = percent
    rate = decimal
    born_on = date
    seen_at = datetime
    opens = time
    is_vip = boolean
    tags = list(text, ";")
    sizes = list(integer, ";")
    plan = enum("free", "paid")
  }
}

profile customer {
  from shop {
    email = email
    points = points
    spent = spent
    share = share
    rate = rate
    born_on = born_on
    seen_at = seen_at
    opens = opens
    is_vip = is_vip
    tags = tags
    sizes = sizes
    plan = plan
  }
}

event ordered {
  fields {
    total = money(EUR)
    due_at = datetime
  }
}

segment everybody {
  where id is known
}
"""
CUSTOMERS = (
    "id,email,points,spent,share,rate,born_on,seen_at,opens,is_vip,tags,sizes,plan\n"
    "1,ana@example.com,-7,1234.5,12.5%,0.000125,2000-02-29,2026-03-01 23:30:00,08:15,yes,"
    "a;b c,1;22,paid\n"
    "2,,,,,,,,,,,,\n"
)
TOML = '[project]\nname = "test"\ntimezone = "Europe/Madrid"\n'

# A message, and the settings for sending it into files.
MAIL = """
topic service {
  channels = [email]
  consent = none
}

message email hello {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
"""
MAIL_TOML = """[project]
name = "test"
timezone = "Europe/Madrid"

[delivery.email]
kind = "files"
folder = "outbox"
from = "shop@example.com"
"""


def project(folder: Path, text: str, toml: str = TOML) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cij.toml").write_text(toml)
    (folder / "customers.csv").write_text(CUSTOMERS)
    (folder / "a.journey").write_text(DATA + text)
    return folder


def journey(*steps: str, enter: str = "from segment everybody", head: str = "") -> str:
    inner = "\n".join(steps)
    return f"journey calls {{\n  enter {enter}\n  {head}\n  steps {{\n{inner}\n  }}\n}}\n"


def mistakes(text: str) -> list[Diagnostic]:
    settings = ProjectSettings("test", "UTC")
    made = compile_project(settings, {"a.journey": DATA + text}, {}, {}, library=library())
    return list(made.diagnostics)


def said(text: str) -> list[tuple[str, str]]:
    return [(d.code, d.message) for d in mistakes(text)]


class Rows:
    """A way out that keeps what it is given."""

    is_idempotent = True

    def __init__(self) -> None:
        self.got: list[Prepared] = []

    def deliver(self, batch: Sequence[Prepared]) -> list[Any]:
        self.got += batch
        return [Outcome(one.key, "delivered") for one in batch]

    def close(self) -> None:
        pass


def run(folder: Path, way: Any) -> Runner:
    opened, program = compiled(folder)
    runner, _ = open_runner(
        open_engine(None), program, opened.root, {"action": way}, Defaults(), NOW
    )
    step(runner, NOW, with_refresh=True)
    return runner


def calls(folder: Path) -> dict[str, Any]:
    """Return the parameters of each call, by the number of the passage."""
    way = Rows()
    runner = run(folder, way)
    assert runner.world.engine.rows(DOUBLE_MESSAGES) == []
    runner.world.engine.close()
    found = [json.loads(one.content)["data"] for one in way.got]
    return {data["key"].split(":")[1]: data["parameters"] for data in found}


TASKS = "use std.actions\n\n" + journey(
    '    task: do create_task {\n      subject = "Call"\n    }', head="holdout = 0%"
)
