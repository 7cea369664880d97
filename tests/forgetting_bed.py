"""A project with two people, of whom one leaves traces in every place that a project has."""

import json
from pathlib import Path

from tests.example import inside, run_once

TOML = """
[project]
name = "shop"
timezone = "Europe/Madrid"

"""
JOURNEYS = """
source shop {
  kind = csv
  path = "people.csv"
  key = id
  tolerate = 50%
  may_lose = 100%
  columns {
    id = text
    email = text
    name = text
    city = text
  }
}
source orders {
  kind = csv
  path = "orders.csv"
  key = order_id
  tolerate = 50%
  may_lose = 100%
  columns {
    order_id = text
    customer_id = text
    note = text
    gift_for = text
    at = datetime
  }
}
profile customer {
  from shop {
    email = email
    name = name
    city = city
  }
  fields {
    mood = text
  }
  match by_email {
    exact = [email]
  }
}
entity parcel {
  source = orders
  key = order_id
  fields {
    note = note
  }
}
event ordered {
  source = orders
  customer = shop(customer_id)
  at = at
  fields {
    note = note
    gift_for = gift_for
  }
}
event changed {
  source = shop
  customer = shop(id)
  on = updated
  fields {
    city = city
  }
}
event called {
  fields {
    note = text
  }
}
topic news {
  consent = opt_out
  channels = [email]
}
action visit {
  parameters {
    note = text
  }
}
message email hello {
  topic = news
  locale "en" {
    subject = "Hello {{ name | default: 'you' }}"
    body = "Hello {{ name | default: 'you' }} of {{ city | default: 'there' }}"
  }
}
segment everybody { where email is known }
journey greeting {
  enter from segment everybody
  steps {
    mail: send email hello
    set mood = city
    do visit {
      note = name ?? "nobody"
    }
    wait 30 days
  }
}
journey calls {
  enter on called
  again always
  steps {
    send email hello
  }
}
"""
HEAD = "id,email,name,city\n"
ANA = "a-17,Ana.Secret@Example.com,Ana Quintanilla,Villasecreta\n"
BOB = "b-18,bob@example.com,Bob Brown,Madrid\n"
ORDERS = "order_id,customer_id,note,gift_for,at\n"
OF_ANA = "o-1,a-17,blue velvet slippers,,2026-01-02 10:00\n"
OF_BOB = "o-2,b-18,for a friend,ana.secret@example.com,2026-01-03 10:00\n"
# All that must not be found anywhere. Values of others, such as Madrid, must stay.
OF_ANA_ONLY = (
    *("ana.secret@example.com", "Ana Quintanilla", "Villasecreta", "velvet slippers"),
    *("secret telephone note", "a-17", "ana.secret+old@example.com", "browser-77"),
)


def make(folder: Path) -> Path:
    """Write the project and return its folder."""
    root = folder / "shop"
    root.mkdir()
    (root / "cij.toml").write_text(TOML)
    (root / "shop.journey").write_text(JOURNEYS)
    write(root, HEAD + ANA + BOB + "a-17,twice@example.com,Ana Quintanilla,Villasecreta\n")
    (root / "orders.csv").write_text(ORDERS + OF_ANA + OF_BOB)
    return root


def write(root: Path, people: str) -> None:
    """Replace the file of the people."""
    (root / "people.csv").write_text(people)


def leave_traces(root: Path) -> None:
    """Have Ana leave something in every place."""
    done(root, "event", "called", "shop:a-17", "note=secret telephone note")
    run_once(root, 7)
    write(root, HEAD + ANA.replace("Villasecreta", "Villasecreta II") + BOB)
    done(root, "suppression", "add", "ana.secret@example.com", "--reason", "Ana Quintanilla asked")
    done(
        root, "event", "bounced", "ana.secret@example.com", "reason=no ana.secret@example.com here"
    )
    done(root, "backup", str(root))
    inbox = root / ".cij" / "inbox"
    event = {"event": "nothing", "customer": "ana.secret@example.com"}
    hand_in(inbox / "1.jsonl", [event, {"event": "called", "customer": "bob@example.com"}])
    visitor = {"anonymous": "browser-77", "customer": "shop:a-17"}
    unknown = {"event": "called", "anonymous": "browser-78", "note": "ana.secret@example.com"}
    hand_in(inbox / "1b.jsonl", [visitor, unknown])
    run_once(root, 7)
    hand_in(inbox / "2.jsonl", [event, {"event": "called", "customer": "joana.secret@example.com"}])
    hand_in(inbox / "refused" / "3.jsonl", [event])
    hand_in(root / ".cij" / "intake" / "4.log", [event])
    hand_in(root / ".cij" / "intake" / "5.held", [event | {"at": "2026-03-02T09:00:00Z"}])
    (root / ".cij" / "answers").mkdir(exist_ok=True)
    (root / ".cij" / "answers" / "x.json").write_text('{"entries": ["ana.secret@example.com"]}')
    (root / "cij-bug-x.txt").write_text("command: cij timeline ana.secret@example.com")
    handed = {"heard": "k", "status": "failed", "reason": "550 <ana.secret@example.com>"}
    hand_in(root / ".cij" / "handover.jsonl", [{"batch": "x"}, handed])


def hand_in(file: Path, rows: list[dict[str, str]]) -> None:
    """Write rows of JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def done(root: Path, command: str, *arguments: str) -> str:
    """Run a command that has to work, and return its output."""
    where = () if command == "backup" else ("--project", str(root))
    code, out, err = inside(command, *arguments, *where)
    assert code == 0, err
    return out
