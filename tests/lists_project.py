"""A project with enums and lists, and the customers that conditions over them find."""

from datetime import datetime
from pathlib import Path

NOW = datetime(2026, 3, 2, 10)
TOML = """[project]
name = "x"
timezone = "Europe/Madrid"

[delivery.email]
kind = "files"
folder = "outbox"
from = "A <a@example.com>"
"""
DATA = """source people {
  kind = csv
  path = "people.csv"
  key = id
  tolerate = 100%
  columns {
    id = text
    email = text
    number = integer
    status = enum("open", "on hold")
    tags = list(text)
    shelf = list(integer, "|")
    days = list(date)
    sizes = list(enum("S", "M"), "/")
  }
}

profile customer {
  from people {
    email = email
    number = number
    status = status
    tags = tags
    shelf = shelf
    days = days
    sizes = sizes
  }
}

topic service {
  channels = [email]
  consent = none
}
"""
HEAD = "id,email,number,status,tags,shelf,days,sizes"


def row(
    id: str, *, status: str = "", tags: str = "", shelf: str = "", days: str = "", sizes: str = ""
) -> str:
    cells = (id, f"{id}@x.com", "", status, tags, shelf, days, sizes)
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


PEOPLE = [
    row("ana", status="open", tags='["coffee", " tea "]', shelf="1|22", days='["2026-03-01"]'),
    row("bob", status=" on hold ", tags='["coffeeshop"]', shelf="2", sizes="S/M"),
    row("eve", tags="[]", shelf=" | ", sizes="M"),
    row("kim"),
]


# Who is found by a condition, as S1 says: a missing list has no items, and its negation is true.
FINDS = {
    'status = "open"': "ana",
    'status != "open"': "bob eve kim",
    'status = "on hold"': "bob",
    'tags contains "coffee"': "ana",
    'tags contains "tea"': "ana",
    'not tags contains "coffee"': "bob eve kim",
    'tags = ["coffee", "tea"]': "ana",
    'tags != ["coffee", "tea"]': "bob eve kim",
    "shelf contains 2": "bob",
    "shelf contains 22": "ana",
    "shelf contains count(tags) - 1": "ana",
    "shelf contains number": "",
    "not shelf contains number": "ana bob eve kim",
    "days contains 2026-03-01": "ana",
    'sizes contains "S"': "bob",
    "count(tags) = 0": "eve",
    "count(tags) < 2": "bob eve",
    "count(shelf) = 2": "ana",
    "any(tags)": "ana bob",
    "not any(tags)": "eve kim",
    "tags is known": "ana bob eve",
    '(tags ?? ["none"]) contains "none"': "kim",
}


def write(folder: Path, more: str) -> Path:
    (folder / "cij.toml").write_text(TOML)
    (folder / "a.journey").write_text(DATA + more)
    (folder / "people.csv").write_text("\n".join([HEAD, *PEOPLE]) + "\n")
    return folder
