"""A small project behind its HTTP service, in a thread of this process, and a client for it."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cij.app.project import open_project
from cij.app.running import Run, open_run
from cij.app.service_keys import Role, add_key
from cij.runtime.clock import LiveClock
from cij.runtime.wakeable_stop import WakeableStop
from cij.service.serving import Service, serving
from tests.example import eventually
from tests.tiny import SHOP

TOML = '[project]\nname = "shop"\ntimezone = "Europe/Madrid"\n'
JOURNEYS = """
topic service {
  channels = [email]
  consent = none
}

message email thanks {
  topic = service
  locale "en" {
    subject = "Thanks"
    body = "Thanks for {{ trigger.amount | default: 0 }}."
  }
}

event page {
  fields {
    name = text
    url = text
  }
}

# Says thanks for each purchase.
journey thank {
  enter on purchase again always
  steps {
    mail: send email thanks
  }
}
"""
CUSTOMERS = "id,email,points\n1,ana@example.com,10\n2,bo@example.com,3\n"


def shop_project(folder: Path, more: str = "") -> Path:
    """Write the project of a shop with two customers, who get a mail for each purchase."""
    folder.mkdir()
    (folder / "cij.toml").write_text(TOML + more)
    (folder / "shop.journey").write_text(SHOP + JOURNEYS)
    (folder / "customers.csv").write_text(CUSTOMERS)
    return folder


@dataclass
class Bed:
    """A service that runs, and keys of three roles for it."""

    folder: Path
    service: Service
    http: httpx.Client
    keys: dict[Role, str]

    def post(
        self,
        path: str,
        content: Any,
        role: Role = "write",
        head: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Post JSON, or bytes as they are, with the key of a role."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.http.post(
            path, content=body, auth=(self.keys[role], ""), headers={**_JSON, **(head or {})}
        )

    def ask(self, question: str, role: Role = "operate", **asked: Any) -> Any:
        """Ask the local API; the answer must be there."""
        answer = self.post(f"/api/v1/{question}", asked, role)
        assert answer.status_code == 200, answer.text
        return answer.json()["answer"]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the stored events of a name, in the order in which they came."""
        return self.service.house.calls.ask(lambda world, now: _stored(world.engine, name)).result()

    def settled(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until the run has taken in what was sent."""
        eventually(holds, what)


_JSON = {"content-type": "application/json"}


def _stored(engine: Any, name: str) -> list[dict[str, Any]]:
    from cij.compiler.sql import query

    columns = [*engine.columns_of(f"event_{name}")]
    found = engine.rows(query("SELECT * FROM {t} AS e ORDER BY e.seq", t=f"event_{name}"))
    return [dict(zip(columns, row, strict=True)) for row in found]


@contextmanager
def served(folder: Path) -> Iterator[Bed]:
    """Serve a project until the block ends."""
    project, now = open_project(folder), LiveClock().now()
    roles: tuple[Role, ...] = ("write", "read", "operate")
    keys: dict[Role, str] = {role: add_key(project, f"{role} key", role, now) for role in roles}
    stopped, begun, found = WakeableStop(), threading.Event(), list[Service]()
    failed = list[BaseException]()

    def work() -> None:
        try:
            with open_run(folder) as run, serving(run, "127.0.0.1:0", stopped) as service:
                found.append(service)
                _begin(run, service, begun)
                run.until_stopped(stopped, 60.0, service.after_step, service.between)
        except BaseException as error:  # noqa: BLE001 - shown by the thread of the test
            failed.append(error)
            begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert begun.wait(60) and not failed, failed
        with httpx.Client(base_url=found[0].url, timeout=30) as http:
            yield Bed(folder, found[0], http, keys)
    finally:
        stopped.set()
        thread.join(60)
    assert not failed, failed


def _begin(run: Run, service: Service, begun: threading.Event) -> None:
    service.after_step(run.once(), LiveClock().now())
    begun.set()
