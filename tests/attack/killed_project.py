"""A project whose runs are killed: people come by a file and do things, and are due a mail and an SMS."""

import os
from email import message_from_bytes
from pathlib import Path

from cij.runtime.inbox import hand_in
from tests.engines import dsn_of
from tests.postgres import PostgresStore

CONNECTIONS = 4
PEOPLE = 16
# Some rounds load the people of several, so that kills find a run loading, and also one that need not.
_ROUNDS = 4
# A way and an address. Nobody is due two messages of one way.
Due = tuple[str, str]

_JOURNEYS = """
source people {
  kind = csv
  path = "people.csv"
  key = person
  columns {
    person = text
    email = text
    phone = text
  }
}
profile customer {
  from people {
    email = email
    phone = phone
  }
}
event visit {
  fields {
    page = text
  }
}
topic service {
  channels = [email, sms]
  consent = none
}
message email hello {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
message sms thanks {
  topic = service
  locale "en" {
    text = "Thanks"
  }
}
journey thanking {
  enter on visit
    again always
  steps {
    send email hello
    send sms thanks
  }
}
"""
_SETTINGS = """
[project]
name = "killed"
timezone = "UTC"

[delivery.email]
from = "Shop <shop@shop.example>"
kind = "smtp"
host = "127.0.0.1"
port = {port}
tls = "none"
connections = {connections}

[delivery.sms]
kind = "files"
folder = "outbox"

[store]
{store}
"""
# More threads save DuckDB nothing with so few rows.
FILE_STORE = "threads = 1"


def server_store(store: PostgresStore) -> str:
    """Return the settings of a store on a server. Runs find its address in the environment."""
    os.environ["CIJ_STORE_DSN"] = dsn_of(store)
    return 'kind = "postgresql"\ndsn = "env:CIJ_STORE_DSN"\nschema = "killed"'


def make_project(folder: Path, port: int, store: str) -> Path:
    """Write a project that sends to a port of this machine. `store` are settings of its store."""
    folder.mkdir()
    settings = _SETTINGS.format(port=port, connections=CONNECTIONS, store=store)
    (folder / "cij.toml").write_text(settings)
    (folder / "all.journey").write_text(_JOURNEYS)
    (folder / "people.csv").write_text("person,email,phone\n")
    return folder


def add_round(project: Path, number: int) -> set[Due]:
    """Have people visit, who come now or came in a round before; return what they are due."""
    if number % _ROUNDS == 0:
        with (project / "people.csv").open("a") as file:
            file.writelines(_row(n) for n in range(number * PEOPLE, (number + _ROUNDS) * PEOPLE))
    numbers = range(number * PEOPLE, (number + 1) * PEOPLE)
    visits = [{"event": "visit", "customer": _mail(n), "id": f"v{n}", "page": "a"} for n in numbers]
    hand_in(project, visits)
    return {("email", _mail(n)) for n in numbers} | {("sms", _phone(n)) for n in numbers}


def _row(number: int) -> str:
    return f"c{number},{_mail(number)},{_phone(number)}\n"


def _mail(number: int) -> str:
    return f"c{number}@example.com"


def _phone(number: int) -> str:
    return f"+3460{number:07}"


def written(project: Path) -> list[Due]:
    """Return what is in the outbox folder. Asserts that no file is half written."""
    files = [path for path in (project / "outbox").rglob("*") if path.is_file()]
    assert all(path.suffix == ".txt" for path in files), files
    return [("sms", message_from_bytes(path.read_bytes())["To"]) for path in files]
