"""What is known of the entering event: by the condition of the entry, or by one on the way."""

import pytest

from tests.calling import journey, said

MESSAGE = """
topic service {
  channels = [email]
  consent = none
}

message email cart {
  topic = service
  locale "en" {
    subject = "Your cart"
    body = "It costs {{ trigger.total }}, since {{ trigger.at }}."
  }
}

action refund {
  parameters {
    total = money(EUR)
  }
}

"""
SEND = "mail: send email cart"
CALL = "back: do refund {\n total = trigger.total\n}"


def codes(enter: str, *steps: str) -> list[str]:
    return sorted(code for code, _ in said(MESSAGE + journey(*steps, enter=enter)))


@pytest.mark.parametrize(
    "where",
    [
        "total > 50 EUR",
        "total is known",
        "total between 1 EUR and 5 EUR and due_at is unknown",
        "total = 5 EUR or (due_at > now() and total > 1 EUR)",
        "total * 2 > 10 EUR",
    ],
)
def test_the_condition_of_the_entry_promises(where: str) -> None:
    assert codes(f"on ordered where {where}", SEND, CALL) == []


@pytest.mark.parametrize(
    "enter",
    [
        "on ordered",
        "on ordered where due_at is known",
        "on ordered where not (total > 5 EUR)",
        "on ordered where total != 5 EUR",
        "on ordered where total = 5 EUR or due_at is known",
        "on ordered where total is known\n  enter on ordered where due_at is known",
    ],
)
def test_what_is_not_promised_is_asked_for(enter: str) -> None:
    assert codes(enter, SEND, CALL) == ["CIJ215", "CIJ602"]


def test_a_condition_on_the_way_promises_too() -> None:
    assert codes("on ordered", f"if trigger.total > 5 EUR {{\n{SEND}\n{CALL}\n}}") == []


def test_the_entry_promises_fields_of_the_customer() -> None:
    text = MESSAGE.replace("{{ trigger.total }}", "{{ points }}")
    assert said(text + journey(SEND, enter="on ordered where points > 5")) == []
    assert [c for c, _ in said(text + journey(SEND, enter="on ordered"))] == ["CIJ602"]
