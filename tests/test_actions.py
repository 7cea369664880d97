"""Actions: how they are declared, typed and called, what their rows hold, and the library's own."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from cij.app.compile import compile_path, compiled
from cij.app.standard_library import library
from cij.cli.render import render
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import from_json, to_json
from cij.grammar.format import format_text
from cij.runtime.intake import take_in
from cij.runtime.runner import step
from tests.calling import DATA, Rows, calls, journey, mistakes, project, run, said

# --- declaring --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            "action a {\n  parameters {\n    x = txt\n  }\n}",
            ("CIJ206", "a type is one of `text`"),
        ),
        ("action a {\n  parameters {\n    x = integer ?? 1.5\n  }\n}", ("CIJ207", "expected int")),
        ("action a {\n  parameters {\n    x = text ?? email\n  }\n}", ("CIJ206", "a default is a")),
        ("action a {\n  returns {\n    id = text\n  }\n}", ("CIJ203", "`id` is a field of every")),
        ('action a {\n  returns {\n    x = text ?? "a"\n  }\n}', ("CIJ206", "a result has only")),
        ("action a {\n  results {\n    x = text\n  }\n}", ("CIJ204", "action `a` has no block")),
        ('action a {\n  url = "x"\n}', ("CIJ204", "action `a` has no setting `url`")),
        ("action a {\n}\n\naction a {\n}", ("CIJ203", "two actions are called `a`")),
        (
            "action a {\n}\n\nevent `a.done` {\n}",
            ("CIJ203", "`a.done` is the event that `a` was done"),
        ),
    ],
)
def test_a_mistake_in_an_action_is_reported_once(action: str, expected: tuple[str, str]) -> None:
    found = said(action + "\n")
    assert [(code, message[: len(expected[1])]) for code, message in found] == [expected]


ACTION = """\
action call_back {
  parameters {
    about = text
    due = duration ?? 1 day
    level = enum("low", "high") ?? "low"
    number = optional(text)
  }
  returns {
    ticket = text
  }
}

"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("do call_bak", ("CIJ202", "there is no action `call_bak`")),
        ("do create_task", ("CIJ202", "there is no action `create_task`")),
        ("do call_back", ("CIJ604", "action `call_back` needs the parameter `about`, text")),
        ('do call_back {\n abut = "x"\n}', ("CIJ202", "action `call_back` has no parameter `a")),
        ("do call_back {\n about = 5\n}", ("CIJ207", "expected text, and this is integer")),
        (
            "do call_back {\n about = email\n}",
            ("CIJ215", "`about` is required, and `email` has no"),
        ),
        (
            'do call_back {\n about = "x"\n level = "top"\n}',
            ("CIJ211", '"top" is not a value of this enum'),
        ),
        ('do call_back {\n about = "x"\n due = 5\n}', ("CIJ207", "expected duration, and this")),
        ('do call_back {\n about = "x"\n about = "y"\n}', ("CIJ203", "`about` is given twice")),
    ],
)
def test_a_mistake_in_a_call_is_reported_once(written: str, expected: tuple[str, str]) -> None:
    found = said(ACTION + journey(f"call: {written}"))
    assert [(code, message[: len(expected[1])]) for code, message in found] == [expected]


def test_two_mistakes_in_a_call_are_reported_both() -> None:
    found = said(ACTION + journey('call: do call_back {\n reason = "x"\n}'))
    assert sorted(code for code, _ in found) == ["CIJ202", "CIJ604"]


@pytest.mark.parametrize(
    "step",
    [
        'call: do call_back {\n about = email ?? "x"\n}',
        "if email is known {\n call: do call_back {\n about = lower(email)\n}\n}",
        'call: do call_back {\n about = "x"\n number = email\n}',
        'call: do call_back {\n about = "x"\n due = 2 hours\n level = "high"\n}',
    ],
)
def test_a_call_that_gives_what_is_needed_has_no_mistake(step: str) -> None:
    assert said(ACTION + journey(step)) == []


# --- the library ------------------------------------------------------------------------------


def test_an_action_of_the_library_is_used_and_its_place_is_in_the_library(tmp_path: Path) -> None:
    text = "use std.actions\n\n" + journey('task: do create_task {\n      subject = "Call"\n    }')
    program = compiled(project(tmp_path, text))[1]
    place = next(a.place for a in program.actions if a.name == "create_task")
    assert str(place).startswith("std/actions.journey:")
    assert from_json(to_json(program)) == program


def test_a_module_that_there_is_not_is_reported_with_a_near_one() -> None:
    (found,) = mistakes("use std.action\n")
    assert (found.code, found.message) == ("CIJ202", "there is no module `std.action`")
    assert found.help == "did you mean `std.actions` or `std.consent`?"


def test_what_is_missing_says_which_module_has_it() -> None:
    (found,) = mistakes(journey("task: do create_lead"))
    assert found.help == "add `use std.actions` at the top of a file"


def test_who_takes_a_name_of_the_library_is_told_where_it_is(tmp_path: Path) -> None:
    text = "use std.actions\n\naction create_task {\n}\n"
    made = compile_path(project(tmp_path, text))
    shown = render([d for d in made.diagnostics if d.is_error], made.texts, "text")
    assert "two actions are called `create_task`" in shown
    assert "std/actions.journey:" in shown and "action create_task {" in shown
    assert "--> a.journey:" in shown


def test_a_file_at_the_place_of_a_module_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path, "use std.actions\n")
    (folder / "std").mkdir()
    (folder / "std" / "actions.journey").write_text("# mine\n")
    found = [d.message for d in compile_path(folder).diagnostics]
    assert found == ["`std/actions.journey` is a file of this project and of the library"]


def test_using_a_module_in_two_files_is_using_it_once(tmp_path: Path) -> None:
    folder = project(tmp_path, "use std.actions\n")
    (folder / "b.journey").write_text("use std.actions\n")
    assert compile_path(folder).diagnostics == ()


@pytest.mark.parametrize("module", library())
def test_the_library_is_formatted_and_documented(module: str) -> None:
    text = library()[module]
    assert format_text(module, text).text == text
    made = compile_project(
        ProjectSettings("test", "UTC"),
        {"a.journey": DATA + f"use {module}\n"},
        {},
        {},
        library=library(),
    )
    assert made.program is not None and not made.diagnostics
    assert not [action.name for action in made.program.actions if not action.doc]
    # The comment above a declaration is its documentation in an editor.
    above = re.findall(r"^(.*)\n(?:action|fragment) \w+", text, re.MULTILINE)
    assert above and all(line.startswith("#") for line in above)


def test_the_actions_that_sales_systems_have() -> None:
    made = compile_project(
        ProjectSettings("test", "UTC"),
        {"a.journey": DATA + "use std.actions\n"},
        {},
        {},
        library=library(),
    )
    assert [a.name for a in made.model.actions.values()] == [
        "create_lead",
        "create_task",
        "create_phone_call",
        "create_appointment",
        "run_workflow",
        "add_to_audience",
    ]


# --- values -----------------------------------------------------------------------------------

TYPES = """\
action everything {
  parameters {
    a_text = optional(text)
    an_integer = optional(integer)
    an_amount = optional(money(EUR))
    a_share = optional(percent)
    a_decimal = optional(decimal)
    a_date = optional(date)
    an_instant = optional(datetime)
    a_time = optional(time)
    a_boolean = optional(boolean)
    texts = optional(list(text))
    integers = optional(list(integer))
    an_enum = optional(enum("free", "paid"))
    a_duration = optional(duration)
    another = duration ?? 3 weeks
    left_out = optional(text)
  }
}

"""
GIVEN = """\
    call: do everything {
      a_text = email
      an_integer = points
      an_amount = spent
      a_share = share
      a_decimal = rate
      a_date = born_on
      an_instant = seen_at
      a_time = opens
      a_boolean = is_vip
      texts = tags
      integers = sizes
      an_enum = plan
      a_duration = now() - seen_at
      another = now() - seen_at
    }
"""


def test_values_reach_the_outside_without_loss(tmp_path: Path) -> None:
    found = calls(project(tmp_path, TYPES + journey(GIVEN)))
    given, missing = sorted(found.values(), key=lambda p: p["a_text"] is None)
    assert given == {
        "a_text": "ana@example.com",
        "an_integer": -7,
        "an_amount": {"amount": "1234.5", "currency": "EUR"},
        "a_share": "0.125",
        "a_decimal": "0.000125",
        "a_date": "2000-02-29",
        # Half past eleven in the evening in Madrid.
        "an_instant": "2026-03-01T22:30:00Z",
        "a_time": "08:15:00",
        "a_boolean": True,
        "texts": ["a", "b c"],
        "integers": [1, 22],
        "an_enum": "paid",
        "a_duration": "PT37800S",
        "another": "PT37800S",
        "left_out": None,
    }
    assert missing == {**dict.fromkeys(given), "another": "P3W"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "iso"),
    [("2 hours", "PT2H"), ("1 month", "P1M"), ("90 seconds", "PT90S"), ("5 minutes", "PT5M")],
)
def test_a_duration_is_written_by_iso_8601(written: str, iso: str, tmp_path: Path) -> None:
    text = TYPES + journey(f"    call: do everything {{\n      a_duration = {written}\n    }}")
    assert {p["a_duration"] for p in calls(project(tmp_path, text)).values()} == {iso}


def test_a_field_of_the_entering_event_is_given(tmp_path: Path) -> None:
    action = "action bill {\n  parameters {\n    total = money(EUR)\n    by = datetime\n  }\n}\n\n"
    value = "trigger.total ?? 0 EUR"
    call = f"call: do bill {{\n total = {value}\n by = trigger.due_at ?? now()\n}}"
    folder = project(tmp_path, action + journey(call, enter="on ordered"))
    way = Rows()
    runner = run(folder, way)
    assert way.got == []
    row = {"event": "ordered", "customer": "shop:1", "at": "2026-03-02T09:30:00Z", "total": 12.5}
    later = datetime(2026, 3, 2, 10, 0)
    assert take_in(runner.world.engine, runner.world.program, [row], later).accepted == 1
    step(runner, later, with_refresh=False)
    data = json.loads(way.got[0].content)["data"]
    assert data["parameters"] == {
        "total": {"amount": "12.5", "currency": "EUR"},
        "by": "2026-03-02T10:00:00Z",
    }
    assert (data["journey"], data["step"]) == ("calls", "call")


def test_an_action_decides_about_the_version_of_a_journey() -> None:
    def version(text: str) -> str:
        made = compile_project(ProjectSettings("t", "UTC"), {"a.journey": DATA + text}, {}, {})
        assert made.program is not None
        return made.program.journeys[0].version

    plain = ACTION + journey('call: do call_back {\n about = "x"\n}')
    assert version(plain) == version("# A comment.\n" + plain)
    assert version(plain) != version(plain.replace("number = optional", "phone = optional"))
