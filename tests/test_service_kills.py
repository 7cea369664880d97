"""A service that is killed while clients send: each event that was answered with 200 is there once.

`CIJ_KILLS=50 pytest tests/test_service_kills.py` kills more often.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from cij.app.project import open_project
from cij.app.service_keys import add_key
from cij.cli.exits import Exit
from cij.runtime.clock import LiveClock
from tests.example import eventually, start
from tests.service_bed import shop_project

KILLS = int(os.environ.get("CIJ_KILLS", "2"))
CLIENTS = 4
_PATIENCE_S = 10


class Sender(threading.Thread):
    """Sends batches until it is ended. `safe` has the ids that were answered with 200."""

    def __init__(self, url: str, key: str, name: str) -> None:
        super().__init__()
        self.url, self.key, self.id = url, key, name
        self.safe: list[str] = []
        self.sent = 0

    def run(self) -> None:
        with httpx.Client(auth=(self.key, ""), timeout=5) as http:
            try:
                while True:
                    ids = [f"{self.id}-{self.sent + n}" for n in range(20)]
                    self.sent += 20
                    calls = [_call(id) for id in ids]
                    answer = http.post(f"{self.url}/v1/batch", json={"batch": calls})
                    if answer.status_code == 200:
                        self.safe += ids
            except httpx.HTTPError:
                return


def _call(id: str) -> dict[str, Any]:
    return {"type": "track", "event": "page", "userId": "1", "messageId": id}


def begun(folder: Path) -> "tuple[subprocess.Popen[str], str]":
    """Start a service and return it with its address."""
    place = folder / ".cij" / "service.json"
    place.unlink(missing_ok=True)
    process = start("serve", folder, "--http", "127.0.0.1:0", "--poll", "60", "--log", "json")
    eventually(place.exists, "the service listens")
    eventually(lambda: place.read_text().endswith("}"), "the file is whole")
    url: str = json.loads(place.read_text())["url"]
    return process, url


@pytest.mark.slow
def test_what_was_answered_survives_every_kill(tmp_path: Path) -> None:
    folder, chance = shop_project(tmp_path / "p"), random.Random(7)
    key = add_key(open_project(folder), "shop", "write", LiveClock().now())
    safe: list[str] = []
    for kill in range(KILLS):
        process, url = begun(folder)
        senders = [Sender(url, key, f"{kill}-{n}") for n in range(CLIENTS)]
        for sender in senders:
            sender.start()
        _wait_for(senders, chance.randint(20, 2000))
        process.kill()
        process.communicate()
        for sender in senders:
            sender.join(_PATIENCE_S)
            safe += sender.safe
    process, url = begun(folder)
    with httpx.Client(auth=(key, "")) as http:
        assert http.post(f"{url}/v1/track", json=_call("last")).status_code == 200
    # In this order: what is in neither was in the first before.
    places = (folder / ".cij" / "intake", "*.log"), (folder / ".cij" / "inbox", "*.jsonl")
    eventually(lambda: not any(f for at, kind in places for f in at.glob(kind)), "all is taken in")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == Exit.OK and time.monotonic() - began < 30, err
    assert all(json.loads(line)["at"] for line in err.splitlines()), "each line is JSON"
    assert not [*(folder / ".cij" / "intake").iterdir()]
    stored = _ids(folder)
    assert len(safe) >= 20 * KILLS and stored["last"] == 1
    assert not [id for id in safe if stored[id] != 1] and max(stored.values()) == 1


def _wait_for(senders: list[Sender], enough: int) -> None:
    eventually(lambda: sum(len(s.safe) for s in senders) >= enough, "events were answered")


def _ids(folder: Path) -> Counter[str]:
    """Count the ids of the stored events."""
    from cij.app.open_store import open_copy
    from cij.compiler.sql import query

    engine = open_copy(open_project(folder))
    try:
        return Counter(id for (id,) in engine.rows(query("SELECT e.id FROM event_page AS e")))
    finally:
        engine.close()
