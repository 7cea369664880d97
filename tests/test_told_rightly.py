"""Messages name the real reason, and no help leads into the next error."""

from pathlib import Path

import pytest

from cij.cli.exits import Exit
from cij.grammar.diagnostic import Diagnostic
from tests.calling import MAIL, journey, mistakes
from tests.conftest import Cij

EVENTS = """
event start {
  fields {
    k = text
  }
}

event stop {
  fields {
    k = text
  }
}
"""


def told(*steps: str, enter: str = "on start", head: str = "") -> list[Diagnostic]:
    found = mistakes(EVENTS + MAIL + journey(*(steps or ("    end",)), enter=enter, head=head))
    return [d for d in found if d.code not in ("CIJ205", "CIJ504")]


def test_a_name_of_two_rows_is_refused() -> None:
    [found] = told(enter="on start where not any(stop where k = event.k)")
    assert found.code == "CIJ202" and "the row of `stop` or that of `start`" in found.message
    assert told(enter='on start where not any(stop where stop.k = "a")') == []
    # Where only one row is in reach there is nothing to confuse.
    assert told(enter='on start where event.k = "a"') == []
    assert told('    if any(stop where event.k = "a") {\n      end\n    }') == []


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("email = email", "true for everybody who has one"),
        ("points >= points", "true for everybody who has one"),
        ("points + 1 <= points + 1", "true for everybody who has one"),
        ("id = id", "true for everybody"),
        ("email != email", "never true"),
        ("points < points", "never true"),
        ("any(stop where k = event.k)", "true for everybody who has one"),
        ("any(stop where k = stop.k)", "true for everybody who has one"),
    ],
)
def test_a_value_beside_itself_is_reported(condition: str, words: str) -> None:
    found = [
        d
        for d in mistakes(f"{EVENTS}segment odd {{\n  where {condition}\n}}\n")
        if d.code == "CIJ402"
    ]
    assert len(found) == 1 and words in found[0].message


@pytest.mark.parametrize("condition", ["email = lower(email)", "points = points + 1", "1 = points"])
def test_different_values_are_not_reported(condition: str) -> None:
    found = mistakes(f"segment odd {{\n  where {condition}\n}}\n")
    assert "CIJ402" not in [d.code for d in found]


def test_the_entering_event_is_not_read_before_the_entry() -> None:
    [found] = told(enter='on start where trigger.k = "a"')
    assert "here it is asked whether somebody enters" in found.message
    assert found.help == "`where` reads the event itself: write `k`, a field of `start`"
    suppress = "suppress = any(stop where k = trigger.k)"
    assert told(head=suppress) == []
    [found] = told(head=suppress, enter="from segment everybody")
    assert "there may be none here" in found.message
    [found] = told('    if trigger.k = "a" {\n      end\n    }', enter="from segment everybody")
    assert "there may be none here" in found.message


def test_a_consent_is_no_field_to_be_declared() -> None:
    [found] = told("    set consent.news = true")
    assert found.code == "CIJ206" and "is a consent and no field" in found.message
    assert found.help and "fields {" not in found.help


def test_no_field_with_a_dot_is_proposed() -> None:
    for step in ("    set a.b = true", "    if w.at is known {\n      end\n    }"):
        [found] = told(step)
        assert found.code == "CIJ202" and not found.help


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("any(opened(nail))", "no send before this place is called `nail`"),
        ("any(start(mail))", "`start` is not an interaction with a message"),
        ("sum(clicked(mail)) > 1", "of one message there are `any` and `count`"),
        ("any(opend(mail))", "there is no event `opend`"),
        ("any(opened())", "no send before this place is called ``"),
    ],
)
def test_what_cannot_be_asked_of_one_message(condition: str, words: str) -> None:
    steps = "    mail: send email hello", f"    if {condition} {{\n      end\n    }}"
    [found] = told(*steps)
    assert words in found.message


def test_a_message_is_asked_for_where_it_was_sent() -> None:
    [found] = told(head="exit when any(opened(mail))")
    assert "no send before" in found.message or "outside of a journey" in found.message


def test_values_of_an_expectation_are_a_condition() -> None:
    test = 'test "x" for calls {\n  clock 2026-03-02 10:00\n  expect sent email hello to "ana" with k = "s"\n}\n'
    found = [
        d
        for d in mistakes(EVENTS + MAIL + journey("    end", enter="on start") + test)
        if d.code == "CIJ101"
    ]
    assert [d.help for d in found] == ["write `where`"]
    block = test.replace('with k = "s"\n', '{\n    k = "s"\n  }\n')
    found = [
        d
        for d in mistakes(EVENTS + MAIL + journey("    end", enter="on start") + block)
        if d.code == "CIJ101"
    ]
    assert [d.message for d in found] == ["an expectation has no block"]
    assert [edit.text for fix in found[0].fixes for edit in fix.edits] == ['where k = "s"']
    [found_] = [d for d in told('    send email hello with k = "s"') if d.code == "CIJ101"]
    assert found_.help == "write parameters between `{` and `}`, one on each line"


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_file_that_cannot_be_read_is_the_only_thing_told(
    cij: Cij, tmp_path: Path, is_alone: bool
) -> None:
    """What the file declares is not known, so nothing is said of names that are missing."""
    (tmp_path / "cij.toml").write_text('[project]\nname = "x"\ntimezone = "UTC"\n')
    (tmp_path / "base.journey").write_bytes("profile customer {\n}\n".encode("utf-16"))
    if not is_alone:
        (tmp_path / "a.journey").write_text("segment all {\n  where email is known\n}\n")
    done = cij("check", tmp_path, "--format", "concise")
    assert done.code == Exit.ERRORS
    [line] = [line for line in done.out.splitlines() if "CIJ" in line]
    assert line.startswith("base.journey:1:1: CIJ102 ") and "not UTF-8" in line


CASE = '      case "{}" {{\n        end\n      }}\n'
KNOWN = "segment paying {\n  where plan is known\n}\n"


def cases(*values: str, otherwise: str = "") -> list[str]:
    """Return the codes that are told of a `switch` over an enum of `free` and `paid`."""
    inner = "".join(CASE.format(value) for value in values) + otherwise
    steps = journey(f"    switch plan {{\n{inner}    }}", enter="from segment paying")
    return [d.code for d in mistakes(EVENTS + KNOWN + steps) if d.code != "CIJ504"]


def test_a_complete_switch_leads_into_no_circle() -> None:
    """What the help of a missing case asks for is no test that decides nothing."""
    assert cases("free") == ["CIJ406"]
    assert cases("free", "paid") == []
    assert cases("free", otherwise="      else {\n        end\n      }\n") == []
    # Behind all cases nobody is left.
    both = cases("free", "paid", otherwise="      else {\n        end\n      }\n")
    assert both == ["CIJ403"]
