"""Rates, warm-up, priority, and a second provider that takes over without sending anything twice."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from cij.app.config import load_settings
from cij.app.rate_findings import rate_findings
from cij.compiler.program import Content, Message, Place
from cij.runtime.delivery import Defaults, Dispatch, Route, drain, recover
from cij.runtime.delivery.channels.brake import DOUBTS_MAX
from cij.runtime.delivery.channels.transport import Outcome, Prepared, Status
from cij.runtime.delivery.lanes import BRAKE_PAUSE
from cij.runtime.delivery.pacing import kept
from cij.runtime.delivery.settling import PAUSE
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError
from cij.runtime.rates import Limits, Rate, WarmUp, rate_of
from cij.runtime.store import prepare
from tests.conftest import Cij
from tests.draws import draws
from tests.engines import ENGINES, opener
from tests.outbox import put
from tests.service_bed import TOML, shop_project

NOW = datetime(2026, 3, 2, 9)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


# --- a rate by itself -------------------------------------------------------------------------


@settings(max_examples=draws(60))
@given(
    count=st.integers(1, 400),
    unit=st.sampled_from([("minute", MINUTE), ("hour", HOUR), ("day", 24 * HOUR)]),
    waits=st.lists(st.integers(0, 2_000), min_size=1, max_size=80),
    wanted=st.integers(1, 500),
)
def test_no_span_has_more_than_the_rate(
    count: int, unit: tuple[str, timedelta], waits: list[int], wanted: int
) -> None:
    name, span = unit
    rate, now, until = Rate(count, name), NOW, None
    sent: list[tuple[datetime, int]] = []
    for wait in waits:
        now += span * wait / 10_000
        most = min(wanted, rate.free(until, now))
        if most > 0:
            until = rate.after(until, now, most)
            sent.append((now, most))
    for start, _ in sent:
        assert sum(n for at, n in sent if start <= at < start + span) <= count
    # It lets a message through when it says so, and not only then.
    at = rate.free_at(until, now)
    assert rate.free(until, at) >= 1 and at - now <= span


def test_a_rate_is_used_and_not_only_kept() -> None:
    for text, least in (("1 per hour", 1), ("500 per hour", 490), ("60000 per hour", 58_900)):
        rate, now, until, sent = rate_of(text), NOW, None, 0
        while now < NOW + HOUR:
            if (free := rate.free(until, now)) > 0:
                until, sent = rate.after(until, now, free), sent + free
            now = max(rate.free_at(until, now), now + SECOND / 10)
        assert least <= sent <= rate.count, text
    # A rate that was changed, or a clock that was set back, holds nothing back for long.
    slow = Rate(1, "day").after(None, NOW, 1)
    fast = rate_of("600 per minute")
    assert (
        fast.free_at(slow, NOW) <= NOW + 2 * SECOND
        and rate_of("14 per second").free(None, NOW) == 14
    )
    assert fast.free_at(NOW + 400 * 24 * HOUR, NOW) <= NOW + 2 * SECOND


def test_a_warm_up_grows_by_the_day_and_ends() -> None:
    warm = WarmUp(date(2026, 3, 2), first=50, growth=2.0, to=400)
    days = [warm.rate(NOW + n * 24 * HOUR) for n in (-5, 0, 1, 2, 3, 9, 3_000, 30_000)]
    counts = [rate and rate.count for rate in days]
    assert counts == [50, 50, 100, 200, None, None, None, None]


@pytest.mark.parametrize(
    "text", ["", "500", "0 per hour", "5 per week", "-1 per day", "1e9 per day", "٣ per day"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="500 per hour"):
        rate_of(text)


# --- a store and providers --------------------------------------------------------------------


class Provider:
    """Notes what it is given, and says `status` to each; a message is `unsent` only before it takes one."""

    is_idempotent = False

    def __init__(self, status: Status = "delivered") -> None:
        self.status: Status = status
        self.got: list[str] = []
        self.senders: set[str] = set()

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        self.senders |= {one.sender for one in batch}
        status: Status = self.status
        if status == "uncertain":
            # As transports do: one is lost, and the rest was never tried.
            self.got.append(batch[0].address)
            rest = [Outcome(one.key, "unsent", "no answer") for one in batch[1:]]
            return [Outcome(batch[0].key, status, "no answer"), *rest]
        self.got += [one.address for one in batch if status != "unsent"]
        code = "550" if status == "failed" else None
        return [Outcome(one.key, status, "why", code=code) for one in batch]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opener("duckdb") as opens:
        made = opens()
        prepare(made)
        yield made


def queue(
    engine: Engine, addresses: Sequence[str], topic: str = "news", step: str = "mail"
) -> None:
    message = Message(
        name="hello", channel="email", topic=topic, sender=None, reply_to=None, fallback="en",
        locales=(Content(locale="en", subject="s", body="b", format="text"),), parameters=(), fields=(),
        place=Place(file="m.journey", line=1, column=1),
    )  # fmt: skip
    n = len(addresses)
    same = {
        "journey": "j", "step": step, "channel": "email", "topic": topic, "message": "hello",
        "content": f"h{topic}", "created_at": NOW, "outcome": "queued", "attempts": 0, "turn": 0,
    }  # fmt: skip
    engine.append("content", {"hash": [f"h{topic}"], "message": [message.model_dump_json()]})
    columns: dict[str, Sequence[Any]] = {name: [value] * n for name, value in same.items()}
    columns |= {"passage": list(range(n)), "customer": [f"c{i}" for i in range(n)]}
    put(engine, {**columns, "address": list(addresses)})


def people(count: int, domain: str = "example.com") -> list[str]:
    return [f"c{n}@{domain}" for n in range(count)]


def sent_by(engine: Engine, way: Route, now: datetime) -> Any:
    return drain(engine, {"email": way}, now, defaults=Defaults(sender="a@shop.example"))


@pytest.mark.parametrize("name", ENGINES)
def test_rates_hold_back_by_domain_and_for_all(name: str) -> None:
    with opener(name) as opens:
        engine = opens()
        prepare(engine)
        queue(engine, [*people(6, "GMail.example"), *people(7, "other.example")])
        queue(engine, ["c0@gmail.example", ""], "transactional", "reset")
        provider = Provider()
        limits = Limits(rate_of("600 per hour"), {"gmail.example": rate_of("180 per hour")})
        found = sent_by(engine, Route(provider, limits), NOW)
        # 10 go at once (one has no address), 3 of them to one domain; what is transactional goes first.
        assert Counter(a.partition("@")[2].lower() for a in provider.got) == {
            "gmail.example": 3, "other.example": 6,
        }  # fmt: skip
        assert provider.got[0] == "c0@gmail.example"
        assert found.held == {"email": "600 per hour and 180 per hour (gmail.example)"}
        assert not found.channel_errors
        # A new run knows what went before, and when it goes on.
        way = Route(provider, limits)
        assert sent_by(engine, way, NOW).counts == {}
        dispatch = Dispatch(engine, {"email": way}, Defaults(sender="a@shop.example"))
        at = dispatch.next_due(NOW)
        assert at is not None and NOW + 5 * SECOND < at <= NOW + 7 * SECOND
        assert sent_by(engine, way, at).counts == {"delivered": 1}
        # Where only one domain waits, the others go on and the run wakes for it.
        while (at := Dispatch(engine, {"email": way}, Defaults()).next_due(at)) is not None:
            sent_by(engine, way, at)
        assert len(provider.got) == 14 and set(kept(engine)) == {"email"}
        # A rate that is gone from cij.toml is gone from the store.
        sent_by(engine, Route(provider, Limits()), NOW)
        assert kept(engine) == {}


def test_each_other_domain_has_a_rate_for_itself(engine: Engine) -> None:
    domains = ["named.example", "a.example", "b.example"]
    queue(engine, [address for d in domains for address in people(4, d)])
    provider = Provider()
    limits = Limits(None, {"named.example": rate_of("180 per hour"), "*": rate_of("60 per hour")})
    way = Route(provider, limits)
    found = sent_by(engine, way, NOW)
    sent = Counter(address.partition("@")[2] for address in provider.got)
    assert sent == {"named.example": 3, "a.example": 1, "b.example": 1}
    assert "60 per hour (a.example)" in found.held["email"]
    # They go on by themselves, and what is over is not kept.
    at: datetime | None = NOW
    while at is not None:
        sent_by(engine, way, at)
        last, at = at, Dispatch(engine, {"email": way}, Defaults()).next_due(at)
    assert len(provider.got) == 12
    queue(engine, people(1, "named.example"))
    sent_by(engine, way, last + 3600 * SECOND)
    assert set(kept(engine)["email"]) == {"named.example"}


def test_what_did_not_leave_counts_for_no_rate(engine: Engine) -> None:
    queue(engine, people(40))
    provider = Provider("unsent")
    way = Route(provider, Limits(rate_of("600 per hour")))
    dispatch = Dispatch(engine, {"email": way}, Defaults(sender="a@shop.example"))
    for n in range(4):
        dispatch.begin(NOW + n * PAUSE)
        dispatch.wait(5)
        dispatch.collect(NOW + n * PAUSE)
    provider.status = "delivered"
    dispatch.begin(NOW + 4 * PAUSE)
    dispatch.wait(5)
    dispatch.collect(NOW + 4 * PAUSE)
    assert len(provider.got) == 10


def test_a_second_provider_takes_over_and_gives_back(engine: Engine) -> None:
    queue(engine, people(30))
    first, second = Provider("unsent"), Provider()
    way = Route(first, Limits(), fallback=[Route(second, Limits(), "b@shop.example")])
    dispatch = Dispatch(engine, {"email": way}, Defaults(sender="a@shop.example"))

    def run(now: datetime) -> Any:
        dispatch.begin(now)
        while dispatch.is_busy:
            dispatch.wait(5)
            dispatch.collect(now)
            dispatch.begin(now)
        return dispatch.take_report(now)

    found = run(NOW)
    assert found.diverted == {"email, email fallback 1": "why"} and not found.is_troubled
    assert first.got == [] and sorted(second.got) == sorted(people(30))
    assert second.senders == {"b@shop.example"}
    # After a pause the first is tried with one message while the second goes on; then it has all again.
    first.status = "delivered"
    queue(engine, people(600), step="later")
    run(NOW + PAUSE)
    assert first.got[0] == "c0@example.com" and len(first.got) + len(second.got) == 630
    went = len(second.got)
    queue(engine, people(5), step="last")
    run(NOW + PAUSE)
    assert len(second.got) == went and first.senders == {"a@shop.example"}


def test_what_may_have_arrived_is_never_sent_by_the_second(engine: Engine) -> None:
    queue(engine, people(20))
    first, second = Provider("uncertain"), Provider()
    way = Route(first, Limits(), fallback=[Route(second, Limits())])
    found = sent_by(engine, way, NOW)
    assert found.counts["uncertain"] == 1 and found.counts["delivered"] == 19
    assert not set(first.got) & set(second.got)
    assert sorted(first.got + second.got) == sorted(people(20))
    # What is refused for good is refused; both down is told, and nothing is lost.
    queue(engine, people(3), step="refused")
    first.status = "failed"
    assert sent_by(engine, way, NOW).counts == {"failed": 3}
    queue(engine, people(3), step="down")
    first.status = second.status = "unsent"
    found = sent_by(engine, way, NOW)
    assert set(found.channel_errors) == {"email", "email fallback 1"} and found.is_troubled
    assert len(second.got) == 19
    assert recover(engine, {"email": way}, NOW).uncertain == 0


def test_a_provider_that_confirms_nothing_is_left_alone(engine: Engine) -> None:
    queue(engine, people(100))
    provider = Provider("uncertain")
    now = NOW
    dispatch = Dispatch(
        engine, {"email": Route(provider, Limits())}, Defaults(sender="a@shop.example")
    )

    def run() -> None:
        dispatch.begin(now)
        dispatch.wait(5)
        dispatch.collect(now)

    for _ in range(DOUBTS_MAX):
        run()
        now += PAUSE
    assert len(provider.got) == DOUBTS_MAX
    assert "not confirmed" in dispatch.errors(now)["email"]
    # The next run knows it as well, and tries one message after a pause.
    dispatch = Dispatch(
        engine, {"email": Route(provider, Limits())}, Defaults(sender="a@shop.example")
    )
    run()
    assert len(provider.got) == DOUBTS_MAX
    now += BRAKE_PAUSE
    run()
    assert len(provider.got) == DOUBTS_MAX + 1 and "not confirmed" in dispatch.errors(now)["email"]
    now, provider.status = now + BRAKE_PAUSE, "delivered"
    run()
    run()
    assert len(provider.got) == 100


# --- cij.toml, the doctor and the status ------------------------------------------------------

MAIL = '[delivery.email]\nkind = "smtp"\nhost = "127.0.0.1"\nport = 1\ntls = "none"\nfrom = "a@b.example"\n'
BACKUP = '[[delivery.email.fallback]]\nkind = "postmark"\nkey_env = "K"\nfrom = "c@b.example"\n'
WRONG = {
    f'{MAIL}rate = "500 an hour"\n': (10, "write a rate such as"),
    f"{MAIL}rate = 500\n": (10, "write a rate such as"),
    f'{MAIL}[delivery.email.domains]\ngmail = "5 per hour"\n': (11, "`gmail` is no domain"),
    f'{MAIL}[delivery.email.warm_up]\nfrom = 2026-03-02\nfirst_day = 0\nto = 9\n': (12, "first_day"),
    f'{MAIL}{BACKUP}colour = "red"\n': (14, "`colour` is not a setting of [delivery.email.fallback]"),
    f'{MAIL}[[delivery.email.fallback]]\nkind = "postmark"\nfrom = "c@b.example"\n': (10, "`key_env` is missing"),
    f'{MAIL}[[delivery.email.fallback]]\nkind = "twilio"\n': (11, "`delivery.email.fallback.kind`"),
    f'{MAIL}[[delivery.email.fallback]]\nkind = "files"\n': (1, "a provider that stands in"),
    f'{MAIL}{BACKUP.replace(chr(34) + "K" + chr(34), chr(34) + "SG.abc" + chr(34))}': (12, "is the name of an"),
    f'{MAIL}{BACKUP}stream = "env:NOT_THERE"\n': (14, "the variable NOT_THERE is not set"),
    '[delivery.sms]\nkind = "files"\ndomains = {}\n': (6, "domains"),
}  # fmt: skip


def test_settings_of_rates_and_of_what_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K", "very-secret")
    monkeypatch.setenv("STREAM", "news")
    file = tmp_path / "cij.toml"
    warm = "warm_up = { from = 2026-03-02, first_day = 50, to = 9000 }\n"
    domains = '[delivery.email.domains]\n"GMail.com" = "100 per minute"\n"*" = "9 per hour"\n'
    file.write_text(
        f'{TOML}{MAIL}rate = "500 per hour"\n{warm}{domains}{BACKUP}stream = "env:STREAM"\n'
    )
    found = load_settings(file).delivery
    way = found.by_channel()["email"]
    assert way.limits() == Limits(
        Rate(500, "hour"),
        {"gmail.com": Rate(100, "minute"), "*": Rate(9, "hour")},
        WarmUp(date(2026, 3, 2), 50, 2.0, 9000),
    )
    [backup] = found.fallback("email")
    assert getattr(backup, "stream", "") == "news" and found.fallback("sms") == ()
    texts = [one.detail for one in rate_findings("email", way)]
    assert (
        "100 per minute to gmail.com is more than" in texts[-1]
        and "9 per hour to each other" in texts[0]
    )
    for text, (line, fault) in WRONG.items():
        file.write_text(TOML + text)
        with pytest.raises(ConfigError) as error:
            load_settings(file)
        said = str(error.value)
        assert fault in said and f"cij.toml:{line}:" in said and "SG.abc" not in said, (text, said)


def test_a_run_says_what_waits_and_the_status_shows_the_rates(
    tmp_path: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K", "very-secret")
    folder = shop_project(
        tmp_path / "shop", '[delivery.email]\nkind = "files"\nrate = "1 per hour"\n'
    )
    cij("run", folder, "--once")
    for who in (1, 2):
        assert cij("event", "purchase", "--project", folder, "--customer", f"shop:{who}").code == 0
    done = cij("run", folder, "--once")
    assert done.code == 0 and "a rate holds messages back until later: 1 per hour" in done.err, done
    done = cij("status", folder)
    assert "1 per hour" in done.out and "next message" in done.out
    found = json.loads(cij("status", folder, "--json").out)
    [rate] = (found.get("report") or found)["rates"]
    assert rate["way"] == "email" and rate["next_at"].endswith("Z")
    (folder / "cij.toml").write_text(TOML + MAIL + BACKUP)
    done = cij("doctor", folder)
    assert "email fallback 1" in done.out and "very-secret" not in done.out
