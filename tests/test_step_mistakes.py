"""Mistakes in loops, fragments, and what journeys write: each is told, and its neighbour is fine."""

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.grammar.diagnostic import Diagnostic
from tests.tiny import HEAD

PROFILE = HEAD.replace(
    "    email = email\n  }\n}",
    "    email = email\n  }\n  fields {\n    vip = boolean\n    tries = integer\n  }\n}",
)
DECLARATIONS = """
message email other {
  topic = service
  locale "en" {
    subject = "Other"
    body = "Other"
  }
}
event won {
  fields {
    prize = text
  }
}
fragment nudge(code, days) {
  mail: send email hello
  if days > 3 {
    pause: wait 1 day
  }
}
"""


def found(steps: str, head: str = "", more: str = "") -> list[Diagnostic]:
    body = "\n".join(f"    {line}" for line in steps.splitlines())
    text = f"{PROFILE}{DECLARATIONS}{more}\njourney j {{\n  enter on visit\n{head}  steps {{\n"
    text += f'    used: run nudge("a", 1)\n{body}\n  }}\n}}\n'
    settings = ProjectSettings("steps", "UTC")
    return list(compile_project(settings, {"a.journey": text}, {}, {}).diagnostics)


WRONG = {
    "repeat up to 3 times {\n  send email hello\n}": "can pass without a wait",
    "repeat up to 3 times {\n  if vip {\n    wait 1 day\n  }\n}": "can pass without a wait",
    "repeat up to 3 times {\n  wait until trigger.at\n}": "can pass without a wait",
    "repeat up to 3 times {\n  wait up to 1 day {\n    when vip {\n    }\n  }\n}": "without a wait",
    "repeat up to 0 times every 1 day {\n  send email hello\n}": "at least 1 iteration",
    "run nuge(1, 2)": "there is no fragment `nuge`",
    'run nudge("a")': "takes code, days",
    'run nudge("a", "b")': "cannot",
    'set email = "x"': "comes from a source",
    "set vipp = true": "has no field `vipp`",
    "set vip = 3": "expected boolean",
    "emit wonn": "there is no event `wonn`",
    'emit won {\n  price = "a"\n}': "has no field `price`",
    "emit won {\n  prize = 3\n}": "expected text",
    "emit opened": "is a built-in event about messages",
    "first 0 lucky {\n  end\n}": "at least 1 customer",
    "split s {\n  50% a {\n  }\n  winner by nothing after 10\n}": "no goal `nothing`",
    "send best of (hello, helo)": "there is no message `helo`",
    "send best of (hello, hello)": "is listed twice",
    "if at entry seen {\n  end\n}": "has no field `seen`",
    "wait up to 1 day {\n  when email {\n    end\n  }\n}": "a condition is true or false",
}


@pytest.mark.parametrize(
    ("name", "help"),
    [("wonn", "did you mean `won`?"), ("`sold out`", "declare it: event `sold out` { … }")],
)
def test_an_unknown_event_has_a_way_out(name: str, help: str) -> None:
    more = "".join(f"event plain_{letter} {{\n}}\n" for letter in "abcdefgh")
    tested = f'test "t" for j {{\n  clock 2026-03-02 10:00\n  given customer "ana" {{\n  }}\n  event {name} by "ana"\n}}\n'
    aggregate = f"if any({name}) {{\n  end\n}}"
    for steps, after in ((f"emit {name}", ""), (aggregate, ""), ("end", tested)):
        [error] = [d for d in found(steps, more=more + after) if d.is_error]
        assert error.help == help
    [error] = [d for d in found("end", f"  exit on {name}\n", more) if d.is_error]
    assert error.help == help


@pytest.mark.parametrize("steps", WRONG)
def test_a_mistake_is_told_once(steps: str) -> None:
    errors = [d for d in found(steps) if d.is_error]
    assert len(errors) == 1, [d.message for d in errors]
    assert WRONG[steps] in errors[0].message


RIGHT = (
    "repeat up to 3 times {\n  send email hello\n  wait 1 day\n}",
    "repeat up to 3 times {\n  if vip {\n    wait 1 day\n  } else {\n    wait 2 days\n  }\n}",
    "repeat up to 1 times {\n  send email hello\n}",
    "repeat up to 3 times every 1 day until vip {\n  set tries = (tries ?? 0) + 1\n}",
    "set vip = true\nif vip {\n  end\n}",
    'emit won {\n  prize = "a"\n}',
    "first 10 lucky {\n  end lucky\n}",
    "send best of (hello, other)",
    "if at entry vip {\n  end\n}",
)


@pytest.mark.parametrize("steps", RIGHT)
def test_what_is_right_is_not_told(steps: str) -> None:
    assert [d.message for d in found(steps) if d.is_error] == []


CIRCLE = "journey k {\n  enter on won\n  steps {\n    emit visit\n  }\n}\n"


@pytest.mark.parametrize(
    ("steps", "is_circle"),
    [
        ("emit won", True),
        ("if vip {\n  emit won\n}", True),
        ("wait until trigger.at\nemit won", True),
        ("wait up to 1 day {\n  when vip {\n    emit won\n  }\n}", True),
        ("wait for won up to 1 day {\n  emit won\n}", True),
        ("wait 1 hour\nemit won", False),
        ("wait for won up to 1 day\nset vip = true", False),
        ("repeat up to 2 times every 1 day {\n  emit won\n}", True),
        ("rest: wait 1 day\nrepeat up to 2 times every 1 day {\n  emit won\n}", False),
    ],
)
def test_events_that_raise_each_other_need_a_wait_between(steps: str, is_circle: bool) -> None:
    codes = [d.code for d in found(steps, "  again always\n", CIRCLE)]
    assert ("CIJ305" in codes) == is_circle


def test_a_fragment_cannot_run_itself_and_one_that_is_not_run_is_told() -> None:
    circle = "fragment a {\n  run b\n}\nfragment b {\n  run a\n}\n"
    messages = [d.message for d in found("run a", more=circle)]
    assert "a fragment cannot run itself: `a` → `b` → `a`" in messages
    unused = "fragment alone {\n  end\n}\n"
    assert [d.code for d in found("", more=unused)] == ["CIJ306"]


def test_a_message_that_is_named_instead_of_its_step_is_explained() -> None:
    steps = "send email hello\nwait for opened(hello) up to 1 day"
    [fault] = [d for d in found(steps) if d.code == "CIJ303"]
    assert "give its step a label, `LABEL: send email hello`" in (fault.help or "")
