"""The comparison of two versions: what is followed, what is proved, and what is no change."""

from collections.abc import Iterator
from random import Random

import pytest

from cij.app.standard_library import library
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.review import journey_changes
from cij.compiler.review.both_sides import Compiled
from cij.compiler.review.compare import compare
from cij.compiler.review.lineage import Node, lineage_of
from cij.compiler.review.review_report import Change, Report, Side
from cij.grammar.format import format_text
from tests.agreement.drawing import draw
from tests.builders import REPOSITORY
from tests.calling import DATA, MAIL

SIDE = Side(label="a version", hash=None)
BASE = f"""{DATA}{MAIL}
message email other {{
  topic = service
  locale "en" {{
    subject = "Other"
    body = "Hello {{{{ points | default: 0 }}}}"
  }}
}}

segment rich {{
  where points > 100
}}

journey j {{
  enter from segment rich
  goal bought on ordered where total > 10 EUR
  exit done when points < 0

  steps {{
    first_mail: send email hello
    wait 1 day
    pause: wait 3 days
    if is_vip {{
      vip_mail: send email other
    }} else if plan = "paid" {{
      paid_wait: wait 2 days
    }}
    split look {{
      50% a {{
        send email hello
      }}
      50% b {{}}
    }}
    end finished
  }}
}}
"""


def made(text: str) -> Compiled:
    found = compile_project(
        ProjectSettings("test", "UTC"), {"a.journey": text}, {}, {}, library=library()
    )
    assert found.program is not None, [d.message for d in found.diagnostics if d.is_error]
    return Compiled(found.model, found.program, found.stories)


def report(*edits: tuple[str, str], base: str = BASE) -> Report:
    text = base
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return compare(made(base), made(text), (SIDE, SIDE))


def told(*edits: tuple[str, str], base: str = BASE) -> list[tuple[str, str, str]]:
    return [(c.change_class, c.action, c.address) for c in report(*edits, base=base).changes]


def one(*edits: tuple[str, str]) -> Change:
    changes = report(*edits).changes
    assert len(changes) == 1, [c.what for c in changes]
    return changes[0]


# --- conditions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("points > 200", "narrower"),
        ("points > 50", "wider"),
        ("points >= 101", "equivalent"),
        ("points < 0", "disjoint"),
        ("points between 50 and 150", "overlapping"),
        ("points > 100 and rate > 2", "narrower"),
        ("length(email) > 3", "overlapping"),
    ],
)
def test_a_condition_is_compared_by_proof(condition: str, verdict: str) -> None:
    change = one(("where points > 100", f"where {condition}"))
    assert change.proof is not None and change.proof.verdict == verdict, change.proof
    assert change.change_class == ("none" if verdict == "equivalent" else "audience")


def test_a_witness_is_a_customer_who_matches_one_side_only() -> None:
    change = one(("where points > 100", "where points between 50 and 150"))
    assert change.proof is not None and change.proof.gains and change.proof.loses
    gains, loses = change.proof.gains.values["points"], change.proof.loses.values["points"]
    assert isinstance(gains, int) and 50 <= gains <= 100
    assert isinstance(loses, int) and loses > 150


def test_a_measure_of_before_has_its_own_definition() -> None:
    base = BASE.replace("where points > 100", "where orders_made > 5") + (
        "measure orders_made {\n  value = count(ordered)\n}\n"
    )
    found = report(
        ("value = count(ordered)", "value = count(ordered where total > 5 EUR)"), base=base
    )
    assert [c.address for c in found.changes] == ["measure.orders_made"]
    assert "journey j" in found.changes[0].affects


# --- renames and moves ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edits", "address"),
    [
        ((("segment rich", "segment wealthy"),), "segment.wealthy"),
        ((("email other", "email another"),), "message.another"),
        (
            (("    points = points", "    score = points"), ("where points", "where score"),
             ("when points", "when score"), ("{{ points", "{{ score")),
            "profile.customer.field.score",
        ),
        (
            (("    rate = decimal", "    factor = decimal"), ("rate = rate", "rate = factor")),
            "source.shop.column.factor",
        ),
        (
            (("    total = money(EUR)", "    sum_of_it = money(EUR)"), ("where total", "where sum_of_it")),
            "event.ordered.field.sum_of_it",
        ),
        ((("event ordered", "event bought_it"), ("on ordered", "on bought_it")), "event.bought_it"),
        (
            (("    pause: wait", "    rest: wait"), ("  exit", "  renamed pause to rest\n  exit")),
            "journey.j.step.rest",
        ),
        ((("    pause: wait", "    rest: wait"),), "journey.j.step.rest"),
        ((("    pause: wait", "    wait"),), "journey.j.step.wait 3 days"),
        ((("goal bought", "goal sold"),), "journey.j.goal.sold"),
    ],
)  # fmt: skip
def test_a_rename_is_one_change(edits: tuple[tuple[str, str], ...], address: str) -> None:
    change = one(*edits)
    assert (change.action, change.address) == ("renamed", address)


def test_a_renamed_segment_and_field_are_two_renames() -> None:
    edits = (("    points = points", "    score = points"), ("where points", "where score"),
             ("when points", "when score"), ("{{ points", "{{ score"), ("segment rich", "segment wealthy"))  # fmt: skip
    assert {(c.action, c.address) for c in report(*edits).changes} == {
        ("renamed", "profile.customer.field.score"),
        ("renamed", "segment.wealthy"),
    }


def test_a_renamed_journey_is_told_as_what_it_is_to_the_store() -> None:
    change = one(("journey j {", "journey k {"))
    assert change.action == "renamed" and "enter again" in change.effect


def test_a_moved_wait_is_moved() -> None:
    change = one(
        ("    pause: wait 3 days\n", ""),
        ("    split look", "    pause: wait 3 days\n    split look"),
    )
    assert (change.action, change.change_class) == ("moved", "timing")
    assert "`other` goes out before the wait" in change.effect


def test_a_step_that_moves_into_a_branch_reaches_others() -> None:
    change = one(
        ("    first_mail: send email hello\n", ""),
        ("      vip_mail", "      first_mail: send email hello\n      vip_mail"),
    )
    assert (change.action, change.change_class) == ("moved", "audience")
    assert "`is_vip`" in change.effect


def test_more_steps_without_a_label_shift_no_other() -> None:
    """`wait 1 day` is called `wait 1 day #2` now, because there is another one before it."""
    edit = ("    wait 1 day\n", "    wait 1 day\n    send email other\n    wait 1 day\n")
    assert {(a, address) for _, a, address in told(edit)} == {
        ("added", "journey.j.step.wait 1 day"),
        ("added", "journey.j.step.send other"),
    }


def test_one_more_step_without_a_label_is_one_change() -> None:
    assert told(("    wait 1 day\n", "    wait 1 hour\n    wait 1 day\n")) == [
        ("structure added", "added", "journey.j.step.wait 1 hour")
    ]


# --- classes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("wait 3 days", "wait 4 days", ("timing", "changed", "journey.j.step.pause")),
        ('"Hello"', '"Hi"', ("content", "changed", "message.hello.locale.en")),
        ("email other\n", "email hello\n", ("content", "changed", "journey.j.step.vip_mail")),
        ("is_vip {", "is_vip and points > 5 {", ("audience", "changed", "journey.j.step.if")),
        ("end finished", "end over", ("content", "changed", "journey.j.step.end over")),
        ("total > 10 EUR", "total > 20 EUR", ("audience", "changed", "journey.j.goal.bought")),
        ("  exit done when points < 0\n", "", ("structure removed", "removed", "journey.j.exit.done")),
        ("50% b {}", "40% b {}", ("audience", "changed", "journey.j.step.split look")),
        ("segment rich\n", "segment rich\n  again always\n", ("audience", "changed", "journey.j.again")),
        ("segment rich\n", "segment rich once\n", ("audience", "changed", "journey.j.entry")),
        ("consent = none", "consent = opt_in", ("policy", "changed", "topic.service.consent")),
        ("    first_mail: send email hello\n", "", ("structure removed", "removed", "journey.j.step.first_mail")),
    ],
)  # fmt: skip
def test_each_change_has_a_class(old: str, new: str, expected: tuple[str, str, str]) -> None:
    assert told((old, new)) == [expected]


def test_an_adopting_journey_says_what_people_at_a_moved_wait_miss_and_get_twice() -> None:
    base = BASE.replace("  exit done", "  in_flight = adopt\n  exit done")
    found = report(
        ("    pause: wait 3 days\n", ""),
        ("    split look", "    pause: wait 3 days\n    split look"),
        base=base,
    )
    assert "never come to `vip_mail`" in found.changes[0].inside
    found = report(
        ("    pause: wait 3 days\n", ""),
        ("    first_mail", "    pause: wait 3 days\n    first_mail"),
        base=base,
    )
    assert "`first_mail` a second time" in found.changes[0].inside


def test_a_removed_wait_says_where_people_go_on() -> None:
    change = one(
        ('    } else if plan = "paid" {\n      paid_wait: wait 2 days\n', ""),
        ("  exit done", "  removed paid_wait then go to pause\n  exit done"),
    )
    assert "go on at once at `pause`" in change.inside


def test_shares_say_who_changes_arms() -> None:
    change = one(("50% a", "30% a"), ("50% b", "70% b"))
    assert "20% of customers come into `b` instead of `a`" in change.effect


def test_how_a_winner_is_found_is_told() -> None:
    """The compiler adds hidden steps for it, which no author writes."""
    line = "    50% b {}\n".replace("    50%", "      50%")
    goal = ("10 EUR\n", "10 EUR and stay\n")
    base = BASE.replace(*goal).replace(line, f"{line}      winner by bought after 100\n")
    change = report(("after 100", "after 200"), base=base).changes[0]
    assert (change.before, change.after) == (
        "winner by bought after 100",
        "winner by bought after 200",
    )
    found = report(
        (f"{line}", f"{line}      winner by bought after 100\n"), base=BASE.replace(*goal)
    )
    assert [c.action for c in found.changes] == ["added"]


def test_a_condition_that_ends_a_wait_is_compared_by_proof() -> None:
    base = BASE.replace(
        "    wait 1 day\n", "    wait up to 1 day {\n      when points > 500 {}\n    }\n"
    )
    change = report(("points > 500", "points > 900"), base=base).changes[0]
    assert change.proof is not None and change.proof.verdict == "narrower"


def test_two_journeys_whose_customers_are_proved_to_be_others_do_not_compete() -> None:
    poor = (
        "\nsegment poor {\n  where points < 50\n}\n"
        "journey k {\n  enter from segment poor\n  steps {\n    send email hello\n  }\n}\n"
    )
    addresses = [c.address for c in compare(made(BASE), made(BASE + poor), (SIDE, SIDE)).changes]
    assert "journey.k.competition" not in addresses
    both = poor.replace("< 50", "> 50")
    addresses = [c.address for c in compare(made(BASE), made(BASE + both), (SIDE, SIDE)).changes]
    assert "journey.k.competition" in addresses


# --- no change --------------------------------------------------------------------------------


def _examples() -> Iterator[str]:
    for file in sorted(REPOSITORY.glob("examples/*/journeys/*.journey")):
        yield file.read_text(encoding="utf-8")


_EXPORT = """
export list {
  segment = rich
  fields = [points]
  kind = csv
  path = "exports/list-{instant}.csv"
}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[points]", "[points, email]", ("policy", "changed", "export `list` has other columns")),
        ("[points]", "[]", ("content", "changed", "export `list` has other columns")),
        ("segment = rich\n  fields", "segment = poor\n  fields", ("policy", "changed", "export `list` is about others")),
        ("list-", "all-", ("policy", "changed", "export `list` goes elsewhere")),
        ("instant}.csv\"\n", "instant}.csv\"\n  rows = changes\n", ("content", "changed", "export `list` has other rows")),
        ("instant}.csv\"\n", "instant}.csv\"\n  when = refresh\n", ("timing", "changed", "export `list` is written at other times")),
        ("instant}.csv\"\n", "instant}.csv\"\n  every day at 06:00\n", ("timing", "changed", "export `list` is written at other times")),
        (_EXPORT, "", ("structure removed", "removed", "export `list` is gone")),
        ("journey j", _EXPORT.replace("list", "more") + "journey j", ("policy", "added", "new export `more`")),
    ],
)  # fmt: skip
def test_a_change_of_an_export_asks_who_may_have_the_data(
    old: str, new: str, expected: tuple[str, str, str]
) -> None:
    base = BASE + _EXPORT + "segment poor {\n  where points < 0\n}\n"
    (change,) = report((old, new), base=base).changes
    assert (change.change_class, change.action, change.what) == expected
    assert bool(change.decide) == (expected[0] in ("policy", "structure removed"))


def test_layout_and_comments_are_no_change() -> None:
    changed = BASE.replace("\n  steps {", "\n  # A note.\n\n  steps {").replace(" = ", "   =  ")
    old, new = made(BASE), made("# Another note.\n\n" + changed)
    assert compare(old, new, (SIDE, SIDE)).changes == ()
    assert old.program is not None and new.program is not None
    assert old.program.hash == new.program.hash
    formatted = format_text("a.journey", changed).text
    assert compare(old, made(formatted), (SIDE, SIDE)).changes == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 9))
def test_a_program_has_changed_exactly_where_changes_are_told(seed: int) -> None:
    """A number in a drawn project becomes another: that is told, and told of the way back too."""
    scenario, random = draw(seed, 0), Random(seed)
    text = scenario.head + scenario.text
    lines = text.split("\n")
    places = [
        n for n, line in enumerate(lines) if any(c.isdigit() for c in line) and "=" not in line
    ]
    for place in random.sample(places, 2):
        line = lines[place]
        digit = next(c for c in line if c.isdigit())
        edited = [
            *lines[:place],
            line.replace(digit, str(int(digit) % 8 + 1), 1),
            *lines[place + 1 :],
        ]
        found = compile_project(
            ProjectSettings("test", "UTC"),
            {"a.journey": "\n".join(edited)},
            {},
            {},
            library=library(),
        )
        if found.program is None:
            continue
        old, new = made(text), Compiled(found.model, found.program, found.stories)
        assert old.program is not None
        is_changed = old.program.hash != found.program.hash
        assert bool(compare(old, new, (SIDE, SIDE)).changes) == is_changed, line
        assert bool(compare(new, old, (SIDE, SIDE)).changes) == is_changed, line


# --- the report -------------------------------------------------------------------------------


def test_the_report_is_read_back_from_its_json() -> None:
    found = report(("where points > 100", "where points > 200"), ("wait 3 days", "wait 4 days"))
    text = found.model_dump_json(by_alias=True)
    assert '"format_version":"1.0"' in text and '"class":"timing"' in text
    assert Report.model_validate_json(text) == found


def test_figures_are_told_before_and_after() -> None:
    (review,) = report(("wait 3 days", "wait 4 days")).journeys
    assert review.before and review.after
    assert (review.before.longest_stay_s, review.after.longest_stay_s) == (6 * 86400, 7 * 86400)
    assert review.after.most_messages == {"1": 2, "7": 3, "30": 3}
    assert review.after.messages == {"hello": ("en",), "other": ("en",)}


# --- lineage ----------------------------------------------------------------------------------


def test_lineage_leads_from_the_column_to_the_message_and_back() -> None:
    found = lineage_of(made(BASE).model)
    leads = found.leads_to(Node("column", "shop.points"))
    assert Node("message", "other") in leads and Node("journey", "j") in leads
    made_of = found.made_of(Node("message", "other"))
    assert Node("column", "shop.points") in made_of and Node("source", "shop") in made_of
    assert found.named("points")[0] == Node("field", "points")


def test_a_setting_of_the_head_without_words_of_its_own_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = tuple(row for row in journey_changes.HEAD_CHANGES if row[0] != "priority")
    monkeypatch.setattr(journey_changes, "HEAD_CHANGES", rows)
    change = one(("segment rich\n", "segment rich\n  priority = 3\n"))
    assert change.address == "journey.j.priority" and "`priority`" in change.what


def test_a_line_about_a_step_of_an_earlier_version_is_told() -> None:
    change = one(("  exit done", "  removed old_wait then finish\n  exit done"))
    assert (change.change_class, change.address) == ("none", "journey.j.rule.old_wait")
