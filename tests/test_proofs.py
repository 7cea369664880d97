"""What the prover claims, against z3, an evaluator and simulated passages.

CIJ_DRAWS=25 asks about more conditions.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from cij.app.compile import compile_path
from cij.cli.commands.check import command
from cij.cli.render import render
from cij.compiler import expression as ex, model, program as pg
from cij.compiler.compilation import compile_project
from cij.compiler.expression import Period
from cij.compiler.head import AgainRule
from cij.compiler.proofs.bounds import Bound, SentAt, exceeds, seconds, send_bound, total_bound
from cij.compiler.proofs.ranges import Ranges, compared, only, prefixed, whole
from cij.compiler.proofs.search import Outcome, search
from cij.compiler.proofs.translate import truth
from cij.compiler.proofs.verdicts import (
    NotProved,
    Sat,
    Unsat,
    always,
    disjoint,
    implies,
    negation,
    satisfiable,
)
from cij.compiler.types import BOOLEAN, DATETIME, DECIMAL, INTEGER, PERCENT, TEXT
from cij.compiler.unparse import words
from cij.grammar.span import file_start
from tests.builders import REPOSITORY
from tests.draws import draws
from tests.oracle import FIELDS, Catalog, Oracle, catalog_of, condition, is_true, read

Golden = Callable[[Path | str, str], None]

FIXTURES = Path(__file__).parent / "fixtures" / "proofs"
ASKED = draws(200)


def number(value: int) -> ex.Constant:
    return ex.Constant(type=INTEGER, value=value)


def points(operator: str, value: int) -> ex.Compare:
    node = {"operator": operator, "left": read("points"), "right": number(value)}
    return ex.Compare.model_validate(node)


# --- sets of values ---------------------------------------------------------------------------


def _sets() -> Iterator[tuple[Ranges, set[float]]]:
    """Yield random sets with their members among the halves from 0 to 6."""
    random = Random(1)
    halves = [n / 2 for n in range(13)]
    for _ in range(300):
        made, members = Ranges(False), set[float]()
        for _ in range(random.randint(1, 3)):
            operator, value = random.choice(["=", "<", "<=", ">", ">="]), random.randint(0, 6)
            test = {"=": float.__eq__, "<": float.__lt__, "<=": float.__le__}
            test |= {">": float.__gt__, ">=": float.__ge__}
            step = {h for h in halves if test[operator](h, float(value))}
            if random.random() < 0.5:
                made, members = made | compared(operator, value), members | step
            else:
                made, members = ~(made & compared(operator, value)), {*halves} - (members & step)
        yield made, members


def test_sets_of_values_are_unions_intersections_and_complements() -> None:
    for made, members in _sets():
        assert {n / 2 for n in range(13) if n / 2 in made} == members


def test_a_set_of_whole_numbers_has_one_form() -> None:
    assert whole(compared(">", 4) & compared("<", 6)) == whole(only(5))
    assert whole(compared(">", 4) & compared("<", 5)).is_empty


def test_texts_with_a_prefix_are_an_interval() -> None:
    for text, prefix in (("abc", "ab"), ("ab", "ab"), ("ac", "ab"), ("a", "ab"), ("ñu", "ñ")):
        assert (text in prefixed(prefix)) == text.startswith(prefix)
    assert chr(0x10FFFF) * 2 in prefixed(chr(0x10FFFF))


# --- against z3 and the evaluator -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_the_prover_agrees_with_z3(seed: int) -> None:
    random = Random(seed)
    given_up = 0
    for _ in range(ASKED):
        catalog = catalog_of(random)
        asked = condition(random, catalog, random.randint(1, 12))
        verdict = Oracle(catalog).verdict([asked])
        match satisfiable(asked, catalog):
            case Sat(witness, assumed):
                assert verdict != "unsat", words(asked)
                assert not assumed and _is_witness(asked, witness, catalog), words(asked)
            case Unsat(conflict):
                assert verdict != "sat", words(asked)
                _check_conflict(list(conflict), catalog)
            case NotProved():
                given_up += 1
    assert given_up < 0.02 * ASKED


def _is_witness(asked: ex.Expression, witness: Mapping[str, object], catalog: Catalog) -> bool:
    named = {"hash" if "of people by" in k else k: v for k, v in witness.items()}
    return is_true(asked, named, catalog)


def _check_conflict(conflict: list[ex.Expression], catalog: Catalog) -> None:
    assert Oracle(catalog).verdict(conflict) != "sat"
    for index in range(len(conflict)):
        rest = [c for i, c in enumerate(conflict) if i != index]
        assert Oracle(catalog).verdict(rest) != "unsat", "one condition could be left out"


@pytest.mark.slow
def test_implication_disjointness_and_truth_agree_with_z3() -> None:
    random = Random(99)
    for _ in range(200):
        catalog = catalog_of(random)
        a, b = (condition(random, catalog, random.randint(1, 3)) for _ in range(2))
        oracle = Oracle(catalog)
        assert implies(a, b, catalog) == (oracle.verdict([a, negation(b)]) == "unsat")
        assert disjoint(a, b, catalog) == (oracle.verdict([a, b]) == "unsat")
        assert always(a, catalog) == (oracle.verdict([negation(a)]) == "unsat")


# --- what a missing value means (S1) ----------------------------------------------------------


def test_a_negated_comparison_holds_where_the_value_is_missing() -> None:
    unknown = negation(ex.Known(value=read("points")))
    denied = negation(points(">", 5))
    assert isinstance(satisfiable(ex.And(items=(denied, unknown)), Catalog()), Sat)
    assert isinstance(satisfiable(ex.And(items=(points("<", 5), unknown)), Catalog()), Unsat)
    assert not always(ex.Or(items=(points("<", 5), points(">=", 5))), Catalog())


def test_two_values_are_compared_as_they_stand() -> None:
    sides = {"left": read("points"), "right": read("age")}
    above, below = (ex.Compare.model_validate({"operator": o, **sides}) for o in (">", "<"))
    assert disjoint(above, below, Catalog())
    assert implies(above, ex.Known(value=read("points")), Catalog())
    found = satisfiable(above, Catalog())
    assert isinstance(found, Sat) and found.assumed


def test_distances_from_now_are_compared_in_one_unit() -> None:
    def since(count: int, unit: ex.Unit) -> ex.Expression:
        period = Period(count=count, unit=unit)
        then = ex.Arithmetic(type=DATETIME, operator="-", left=ex.Now(), right=period)
        return ex.Compare(operator=">", left=read("seen"), right=then)

    assert implies(since(7, "day"), since(30, "day"), Catalog())
    assert implies(since(1, "week"), since(7, "day"), Catalog())
    # A day has 23 hours once a year.
    assert not implies(since(24, "hour"), since(1, "day"), Catalog())


def test_any_is_a_count_above_zero() -> None:
    bought = ex.Aggregate(type=BOOLEAN, function="any", event="purchase")
    count = ex.Aggregate(type=INTEGER, function="count", event="purchase")
    never = ex.Compare(operator="=", left=count, right=number(0))
    assert disjoint(bought, never, Catalog())
    assert always(ex.Compare(operator=">=", left=count, right=number(0)), Catalog())


def test_a_search_that_takes_too_long_claims_nothing() -> None:
    # Five pigeons in four holes: no two may share one.
    names = ("points", "age", "share", "rate", "lang")
    holes = [[ex.InSet(value=read(n), items=(c,)) for c in _FOUR[FIELDS[n].kind]] for n in names]
    housed = [ex.Or(items=tuple(row)) for row in holes]
    alone = [
        negation(ex.And(items=(a[hole], b[hole])))
        for a, b in combinations(holes, 2)
        for hole in range(4)
    ]
    asked = truth(ex.And(items=(*housed, *alone)), Catalog())
    assert search(asked) is Outcome.NONE_THERE
    assert search(asked, nodes_max=20) is Outcome.NOT_FOUND


_FOUR: dict[str, list[ex.Constant]] = {
    "integer": [number(n) for n in range(4)],
    "decimal": [ex.Constant(type=DECIMAL, value=str(n)) for n in range(4)],
    "percent": [ex.Constant(type=PERCENT, value=str(n)) for n in range(4)],
    "text": [ex.Constant(type=TEXT, value=str(n)) for n in range(4)],
}


# --- diagnostics ------------------------------------------------------------------------------


def test_what_is_proved_is_said_in_good_words(golden: Golden) -> None:
    result = compile_path(FIXTURES / "findings")
    golden("proofs/findings.golden", render(result.diagnostics, result.texts))


@pytest.mark.parametrize("project", ["examples/loyalty", "tests/fixtures/proofs/silent"])
def test_sound_projects_are_left_in_peace(project: str) -> None:
    assert compile_path(REPOSITORY / project).diagnostics == ()


def test_the_template_of_new_projects_is_left_in_peace() -> None:
    folder = REPOSITORY / "app/cij/app/template"
    texts = {p.name: p.read_text("utf-8") for p in folder.rglob("*.journey")}
    settings = model.ProjectSettings("template", "UTC")
    assert texts and compile_project(settings, texts, {}, {}).diagnostics == ()


# --- the most messages ------------------------------------------------------------------------

WEEK = Period(count=7, unit="day")


def journey(
    steps: model.Steps,
    again: AgainRule = "never",
    days: int = 0,
    exits: int = 0,
) -> model.Journey:
    span = file_start("a.journey")
    gone = model.Exit("gone", "unsubscribed", None, None, span)
    head = pg.Head(
        name="test",
        doc="",
        entries=(pg.EventEntry(event="purchase"),),
        again=again,
        again_after=Period(count=days, unit="day") if days else None,
    )
    return model.Journey(head, span, (), (gone,) * exits, steps)


class Draw:
    """Random steps. `is_plain` leaves out local times, so that the bound is attained at once."""

    def __init__(self, seed: int, is_plain: bool) -> None:
        self.random, self.is_plain, self.count = Random(seed), is_plain, 0
        self.span = file_start("a.journey")

    def steps(self, depth: int) -> model.Steps:
        return tuple(self.step(depth) for _ in range(self.random.randint(1, 4)))

    def step(self, depth: int) -> model.Step:
        self.count += 1
        name, form = f"step{self.count}", self.random.randint(0, 9 if depth else 5)
        if form < 3:
            return model.Send(name, self.span, "hello", "email", {})
        if form < 6:
            return model.Wait(name, self.span, self.timer())
        if form < 8:
            arm = model.AwaitArm("opened", None, None, self.steps(depth - 1))
            timer = pg.AfterPeriod(period=self.period())
            return model.Wait(name, self.span, timer, (arm,), self.steps(depth - 1))
        if form == 8 and depth < 3:
            return model.End(name, self.span, "done")
        guard = model.ChooseArm(read("vip"), self.steps(depth - 1))
        return model.Choose(name, self.span, (guard,), self.steps(depth - 1))

    def period(self) -> Period:
        unit = self.random.choice(["hour", "day", "day", "week", "month"])
        return Period.model_validate({"count": self.random.randint(1, 3), "unit": unit})

    def timer(self) -> pg.Timer:
        form = 0 if self.is_plain else self.random.randint(0, 3)
        if form == 1:
            days = Period(count=self.random.randint(1, 3), unit="day")
            return pg.AfterPeriod(period=days, at=self.random.choice(["09:00:00", "18:00:00"]))
        if form == 2:
            return pg.UntilWeekday(weekday=self.random.randint(1, 7), at="09:00:00")
        return pg.AfterPeriod(period=self.period())


class Passage:
    """One customer's way through a journey, with events and branches drawn at random."""

    def __init__(self, random: Random, start: datetime, may_exit: bool, is_hasty: bool) -> None:
        self.random, self.now, self.sent = random, start, list[datetime]()
        self.may_exit, self.is_hasty, self.is_over = may_exit, is_hasty, False

    def walk(self, steps: model.Steps) -> None:
        for step in steps:
            if not self.is_over:
                self.take(step)

    def take(self, step: model.Step) -> None:
        match step:
            case model.Send():
                self.sent.append(self.now)
            case model.End():
                self.is_over = True
            case model.Choose():
                arm = self.random.choice([step.arms[0].steps, step.otherwise])
                self.walk(arm)
            case model.Wait():
                self.wait(step)

    def wait(self, step: model.Wait) -> None:
        due = _due(step.timer, self.now)
        share = 0.0 if self.is_hasty else self.random.random()
        between = self.now + timedelta(seconds=int((due - self.now).total_seconds() * share))
        if self.may_exit and self.random.random() < 0.2:
            self.now, self.is_over = between, True
        elif step.arms and self.random.random() < 0.5:
            self.now = between
            self.walk(step.arms[0].steps)
        else:
            self.now = due
            self.walk(step.otherwise)


def _due(timer: pg.Timer, now: datetime) -> datetime:
    if isinstance(timer, pg.AfterPeriod):
        then = now + timedelta(seconds=seconds(timer.period))
        return then if timer.at is None else _next_at(then, timer.at)
    assert isinstance(timer, pg.UntilWeekday)
    then = _next_at(now + timedelta(seconds=1), timer.at)
    while then.isoweekday() != timer.weekday:
        then += timedelta(days=1)
    return then


def _next_at(now: datetime, at: str) -> datetime:
    then = datetime.fromisoformat(f"{now.date()} {at}")
    return then if then >= now else then + timedelta(days=1)


def simulated(source: model.Journey, random: Random, is_hasty: bool) -> int:
    """Return the most messages in a week of one random run, over some passages."""
    now = datetime(2026, 3, 2) + timedelta(seconds=random.randint(0, 7 * 86400))
    sent: list[datetime] = []
    for _ in range(1 if source.head.again == "never" else 12):
        passage = Passage(random, now, bool(source.exits), is_hasty)
        passage.walk(source.steps)
        sent += passage.sent
        late = 0 if is_hasty else random.choice([0, 0, 3600, 90_000])
        gap = seconds(source.head.again_after) if source.head.again_after else 0
        now = passage.now + timedelta(seconds=gap + late)
    week = timedelta(seconds=seconds(WEEK))
    return max((sum(1 for s in sent if end - week < s <= end) for end in sent), default=0)


@pytest.mark.parametrize("seed", range(draws(40)))
def test_no_run_sends_more_than_the_bound(seed: int) -> None:
    draw = Draw(seed, is_plain=seed % 2 == 0)
    rules: tuple[tuple[AgainRule, int], ...] = (("never", 0), ("after", 2), ("always", 0))
    again, days = rules[seed % 3]
    source = journey(draw.steps(3), again, days, exits=seed % 2)
    bound = send_bound(source, WEEK)
    random = Random(seed)
    counts = [simulated(source, random, is_hasty=n % 2 == 0) for n in range(1000)]
    assert bound.count is None or max(counts) <= bound.count
    spans = [sent.elapsed_s for sent in bound.path]
    assert not spans or spans[-1] - spans[0] < seconds(WEEK)
    if bound.count is not None and bound.is_exact:
        assert len(bound.path) == bound.count
        if draw.is_plain and again == "never" and draw.count < 14:
            assert max(counts) == bound.count


def send(name: str) -> model.Send:
    return model.Send(name, file_start("a.journey"), "hello", "email", {})


def wait(count: int, unit: str, at: str | None = None) -> model.Wait:
    period = Period.model_validate({"count": count, "unit": unit})
    return model.Wait(
        f"wait{count}{at}", file_start("a.journey"), pg.AfterPeriod(period=period, at=at)
    )


def test_a_message_as_old_as_the_window_has_left_it() -> None:
    assert send_bound(journey((send("a"), wait(7, "day"), send("b"))), WEEK).count == 1
    assert send_bound(journey((send("a"), wait(6, "day"), send("b"))), WEEK).count == 2


def test_local_times_are_kept_in_mind() -> None:
    steps = (wait(1, "day", "18:00:00"), send("a"), wait(6, "day", "09:00:00"), send("b"))
    day = Period(count=159, unit="hour")
    assert send_bound(journey(steps), day).count == 1
    assert send_bound(journey(steps), Period(count=160, unit="hour")).count == 2


def test_coming_back_counts() -> None:
    once = (send("a"), wait(1, "day"))
    assert send_bound(journey(once), WEEK).count == 1
    assert send_bound(journey(once, "after", 2), WEEK).count == 3
    assert send_bound(journey(once, "always"), WEEK).count == 7
    assert send_bound(journey((send("a"),), "always"), WEEK) == Bound(None, _first("a"))
    assert send_bound(journey(once, "always", exits=1), WEEK).count is None


def _first(step: str) -> tuple[SentAt, ...]:
    return send_bound(journey((send(step),)), WEEK).path


def test_journeys_add_up_and_limits_are_compared() -> None:
    one = journey((send("a"), wait(1, "hour"), send("b")))
    total = total_bound([one, one], WEEK)
    assert total.count == 4 and exceeds(total, 3) and not exceeds(total, 4)
    assert total_bound([one], WEEK, channel="sms").count == 0
    assert exceeds(Bound(None), 100)


def test_the_command_prints_the_bounds() -> None:
    loyalty = str(REPOSITORY / "examples/loyalty")
    text = CliRunner().invoke(command, [loyalty, "--bounds"]).stdout
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert any(row.startswith("loyalty_reward 2 2 2") for row in rows)
    assert any(row.startswith("coupon_thanks 12 84 360") for row in rows)
    document = json.loads(CliRunner().invoke(command, [loyalty, "--bounds", "--json"]).stdout)
    assert document["bounds"]["loyalty_reward"]["days"]["7"]["count"] == 2
    assert document["diagnostics"] == []
