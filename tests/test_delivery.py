"""Rendering, files as a channel, and the drain of the outbox."""

import email
import email.policy
import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, strategies as st

from cij.compiler.program import Content, Message, Place
from cij.compiler.sql import query
from cij.runtime import delivery
from cij.runtime.delivery import DrainReport, FileSettings, drain, open_transport
from cij.runtime.delivery.channels import Outcome, Prepared
from cij.runtime.delivery.render import Rendered, choose_locale, render
from cij.runtime.delivery.rendered_values import number
from cij.runtime.delivery.settling import BACKOFF
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import PermanentDelivery
from cij.runtime.store import prepare
from tests.outbox import put

NOW = datetime(2026, 3, 2, 10, 0)
MINUTE = timedelta(minutes=1)

Format = Literal["text", "markdown", "html"]


def _content(body: str, form: Format = "text", subject: str = "s", locale: str = "en") -> Content:
    return Content(locale=locale, subject=subject, body=body, format=form)


def _body(text: str, form: Format = "text", **values: Any) -> Rendered:
    return render(_content(text, form), values)


def _message(*locales: Content, channel: str = "email", sender: str | None = "a@b.c") -> Message:
    return Message(
        name="hello",
        channel=channel,
        topic="news",
        sender=sender,
        reply_to=None,
        fallback=locales[0].locale,
        locales=locales,
        parameters=(),
        fields=(),
        place=Place(file="m.journey", line=1, column=1),
    )


# --- rendering --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1500.0000"), "1500"),
        (Decimal("49.90"), "49.90"),
        (Decimal("49.9000"), "49.90"),
        (Decimal("0.125"), "0.125"),
        (Decimal("1E+6"), "1000000"),
        (1e16, "10000000000000000"),
        (0.1, "0.1"),
        (-3, "-3"),
        (True, "true"),
        (datetime(2026, 3, 2, 9, 5), "2026-03-02 09:05"),
        (NOW.date(), "2026-03-02"),
        ("{{ x }}", "{{ x }}"),
    ],
)
def test_a_value_is_written_plainly(value: object, text: str) -> None:
    assert _body("{{ v }}", v=value).text == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ points | plus: 10 }} {{ price | times: 2 }}", "60 99.8"),
        ("{{ whole | divided_by: 4 }}", "2.5"),
        ("{{ points | divided_by: 4 }}", "12"),
        ("{{ '10' | divided_by: 4 }}", "2"),
        ("{{ amount | times: 2 }}", "99.80"),
        ("{{ amount | times: 0.333 }}", "16.6167"),
        ("{{ amount | round: 1 }}", "49.90"),
        ("{{ 2.5 | round }} {{ -2.5 | round }} {{ 0.285 | round: 2 }}", "3 -3 0.29"),
        ("{{ 10.25 | plus: 0.25 }} {{ -7.5 | modulo: 2 }} {{ -7 | modulo: 2 }}", "10.5 0.5 1"),
        ("{{ wide | plus: 1 }}", "12345678901234567891.0123456789"),
        ("{% if tenth == 10.1 %}same{% endif %}{% if tenth > 10.1 %}more{% endif %}", "same"),
        (
            "{{ 1.1 | ceil }} {{ -1.1 | floor }} {{ -1.5 | abs }} {{ 1.5 | at_least: 2 }}",
            "2 -2 1.5 2",
        ),
        ("{{ day | date: '%d.%m.%Y' }}", "02.03.2026"),
        ("{{ day | date: '%Y' | default: 'x' }}", "2026"),
        ("{{ gone | upcase | default: 'you' }}", "you"),
        ("{{ gone | default: trigger.code }}", "A-1"),
        ("{{ trigger['code'] }}", "A-1"),
        ("{% if gone > 5 %}a{% elsif gone contains 'x' %}b{% else %}c{% endif %}", "c"),
        ("{% unless gone %}{{ points }}{% endunless %}", "50"),
        ("{% for x in gone %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% capture c %}<{{ name }}>{% endcapture %}{{ c }}{{ c | upcase }}", "<Ana><ANA>"),
    ],
)
def test_templates(template: str, text: str) -> None:
    values: dict[str, Any] = {"points": 50, "price": Decimal("49.90"), "name": "Ana", "gone": None}
    values |= {"day": "2026-03-02", "trigger.code": "A-1", "amount": number("49.90")}
    values |= {"whole": number("10.0000"), "tenth": number("10.1000")}
    values |= {"wide": number("12345678901234567890.0123456789")}
    assert _body(template, **values).text == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ first_name }}", "`first_name` is missing and has no default"),
        ("{{ trigger.total }}", "`trigger.total` is missing and has no default"),
        ("{{ 'a' | append: b }}", "`b` is missing"),
        ("{% assign n = first_name %}{{ n }}", "`first_name` is missing"),
        ("{{ now }}", "`now` is missing"),
        ("{{ partial }}", "`partial` is missing"),
        ("{{ 'now' | date: '%Y' }}", "`now` is not a date"),
        ("{{ trigger }}", "name one of code"),
        ("{% include 'x' %}", "unexpected tag"),
        ("{{ 7.5 | modulo: 0 }}", "modulo: there is no result for 7.5 and 0"),
        ("{{ 7 | modulo: 0 }}", "no result"),
        ("{{ 7.5 | modulo: 0.0 }}", "no result"),
        ("{{ 7.5 | divided_by: 0 }}", "no result"),
        ("{{ 7 | divided_by: 0 }}", "no result"),
        ("{{ 'x' | plus: 1 }}", "`x` is not a number"),
        ("{{ 1.5 | round: 'x' }}", "`x` is not a number"),
        ("{{ 1000000000000000000 | times: 1000000000000000000000 }}", "too many digits"),
        ("{% for x in (1..100000) %}{{ x }}{% endfor %}", "a range has more than 10,000 numbers"),
        (
            "{% for i in (1..99) %}{% assign x = x | append: x %}{% endfor %}{{ x }}",
            "longer than 2,000,000 characters",
        ),
    ],
)
def test_what_cannot_be_written_is_said(template: str, message: str) -> None:
    values: dict[str, Any] = {"trigger": {"code": 1}}
    if "append: x" in template:
        values["x"] = "x" * 1000
    with pytest.raises(PermanentDelivery, match=message):
        _body(template, **values)


EVIL = "*x* <script>alert(1)</script> [a](javascript:b) `c` # \n\n- &amp; {{ y }} cijmark0x"


def test_values_are_not_read_as_markdown_or_html() -> None:
    rendered = _body("**Hi {{ name }}**, `{{ name }}`\n", "markdown", name=EVIL)
    escaped = EVIL.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert rendered.html == f"<p><strong>Hi {escaped}</strong>, <code>{escaped}</code></p>\n"
    assert rendered.text == f"**Hi {EVIL}**, `{EVIL}`\n"


@pytest.mark.slow
@given(st.text())
def test_no_value_makes_markup(value: str) -> None:
    html = _body("# {{ v }}\n\n- {{ v }}\n", "markdown", v=value).html or ""
    tags = ["<h1>", "</h1>", "<ul>", "<li>", "</li>", "</ul>"]
    assert re.findall("<[^>]*>", html) == tags


def test_html_in_the_source_of_markdown_is_text() -> None:
    assert _body("<b>x</b>", "markdown").html == "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://x.example/?a=1&b=ä", "https://x.example/?a=1&amp;b=%C3%A4"),
        ("javascript:alert(1)", "#"),
        (" java\nscript:alert(1)", "#"),
        ("/path", "/path"),
        ('https://x/" onclick="y', "https://x/%22%20onclick=%22y"),
    ],
)
def test_a_value_as_the_target_of_a_link(url: str, target: str) -> None:
    target = target.replace("'", "&#x27;")
    assert f'<a href="{target}">go</a>' in (_body("[go]({{ u }})", "markdown", u=url).html or "")
    assert _body('<a href="{{ u }}">go</a>', "html", u=url).html == f'<a href="{target}">go</a>'


def test_a_value_inside_a_target_is_quoted() -> None:
    html = _body("[go](https://x.example/?c={{ c }})", "markdown", c='a"b c').html
    assert html == '<p><a href="https://x.example/?c=a%22b%20c">go</a></p>\n'


def test_html_has_a_text_of_its_own() -> None:
    page = """<html><head><title>t</title><style>p {}</style></head><body>
      <h1>Hi {{ name }}</h1><p>One<br>two &amp; <a href="https://x.example">three</a></p>
      <ul><li>a</li><li>b</li></ul></body></html>"""
    rendered = _body(page, "html", name="<Ana>")
    text = "Hi <Ana>\n\nOne\ntwo & three (https://x.example)\n\n- a\n\n- b\n"
    assert rendered.text.replace("\n\n- b", "\n- b") == text.replace("\n\n- b", "\n- b")
    assert "<h1>Hi &lt;Ana&gt;</h1>" in (rendered.html or "")


def test_a_subject_is_one_line() -> None:
    content = _content("b", subject="Hi {{ name }}!")
    assert render(content, {"name": "Ana\r\nBcc: x@y.z"}).subject == "Hi Ana Bcc: x@y.z!"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("en-GB", "en-GB"),
        ("EN_gb", "en-GB"),
        ("en-AU", "en"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("fr", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_locale(wanted: str | None, chosen: str) -> None:
    locales = [_content("b", locale=locale) for locale in ("en", "en-GB", "pt-BR", "es")]
    assert choose_locale(_message(*locales), wanted).locale == chosen


# --- the outbox -------------------------------------------------------------------------------


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = open_engine(None, threads=1)
    prepare(made)
    yield made
    made.close()


def _queue(engine: Engine, count: int = 1, message: Message | None = None, **same: Any) -> None:
    message = message or _message(
        _content("Hi {{ name }}", "markdown", "Hello {{ name }}"),
        _content("Hola {{ name }}", "markdown", "Hola", locale="es"),
    )
    text = message.model_dump_json()
    engine.append("content", {"hash": [f"h{hash(text)}"], "message": [text]})
    defaults = {
        "journey": "j",
        "step": "first",
        "channel": "email",
        "message": "hello",
        "content": f"h{hash(text)}",
        "locale": None,
        "created_at": NOW,
        "outcome": "queued",
        "attempts": 0,
    }
    columns = {name: [value] * count for name, value in {**defaults, **same}.items()}
    columns["passage"] = list(range(count))
    columns["turn"] = [0] * count
    columns["customer"] = [f"c{i}" for i in range(count)]
    columns.setdefault("address", [f"c{i}@example.com" for i in range(count)])
    columns.setdefault("parameters", [json.dumps({"name": f"N{i}"}) for i in range(count)])
    put(engine, columns)


_ROWS = query(
    "SELECT outcome, reason, attempts, due_at, settled_at, locale FROM outbox ORDER BY key"
)


def _rows(engine: Engine) -> list[tuple[Any, ...]]:
    return engine.rows(_ROWS)


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _drain_to(folder: Path, engine: Engine, now: datetime = NOW, **more: Any) -> DrainReport:
    transport = open_transport(FileSettings(folder))
    return drain(engine, {"email": transport, "sms": transport}, now, **more)


def test_an_email_becomes_a_file(engine: Engine, tmp_path: Path) -> None:
    _queue(engine, locale="es-MX")
    report = _drain_to(tmp_path, engine)
    assert report.counts == {"delivered": 1}
    assert not report.failures and not report.channel_errors
    assert _rows(engine) == [("delivered", None, 1, None, NOW, "es")]
    ((path, data),) = _files(tmp_path).items()
    assert path.startswith("email/2026-03-02/") and path.endswith(".eml")
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message["To"] == "c0@example.com"
    assert message["Subject"] == "Hola"
    html = message.get_body(("html",))
    assert html is not None and "<p>Hola N0</p>" in html.get_content()


def test_a_text_message_becomes_a_file(engine: Engine, tmp_path: Path) -> None:
    message = _message(_content("Hi {{ name }}", subject=""), channel="sms")
    _queue(engine, message=message, channel="sms", address="+34600000000")
    assert _drain_to(tmp_path, engine).counts == {"delivered": 1}
    ((path, data),) = _files(tmp_path).items()
    assert path.startswith("sms/2026-03-02/") and path.endswith(".txt")
    assert data == b"To: +34600000000\nJourney: j\nStep: first\n\nHi N0\n"


def test_batches_limits_and_times(engine: Engine, tmp_path: Path) -> None:
    _queue(engine, 1100)
    _queue(engine, 1, step="later", due_at=NOW + MINUTE)
    _queue(engine, 1, step="no", outcome="no_consent")
    assert _drain_to(tmp_path, engine, limit=600).counts == {"delivered": 600}
    assert _drain_to(tmp_path, engine).counts == {"delivered": 500}
    assert len(_files(tmp_path)) == 1100
    assert delivery.next_due(engine) == NOW + MINUTE
    assert _drain_to(tmp_path, engine, NOW + MINUTE).counts == {"delivered": 1}
    assert delivery.next_due(engine) is None
    assert _drain_to(tmp_path, engine, NOW + MINUTE).counts == {}


def test_what_can_never_be_sent_fails_alone(engine: Engine, tmp_path: Path) -> None:
    _queue(engine, 2)
    _queue(engine, 1, step="address", address="nobody")
    _queue(engine, 1, step="none", address=None)
    _queue(engine, 1, step="value", parameters="{}")
    report = _drain_to(tmp_path, engine)
    assert report.counts == {"delivered": 2, "failed": 3}
    assert {f.key: f.reason for f in report.failures} == {
        "j:0:address:0": "`nobody` is not an email address",
        "j:0:none:0": "the customer has no address for email",
        "j:0:value:0": "the message cannot be written: `name` is missing and has no default",
    }
    assert len(_files(tmp_path)) == 2


def test_consent_is_read_again(engine: Engine, tmp_path: Path) -> None:
    _queue(engine, 3)
    recheck = query("""
        UPDATE outbox_row SET outcome = 'no_consent', settled_at = $now
        WHERE outcome = 'queued' AND customer = 'c1'
    """)
    assert _drain_to(tmp_path, engine, recheck=[recheck]).counts == {"delivered": 2}
    assert [row[0] for row in _rows(engine)] == ["delivered", "no_consent", "delivered"]


def test_a_message_without_a_sender_stops_the_channel(engine: Engine, tmp_path: Path) -> None:
    _queue(engine, 2, _message(_content("x"), sender=None))
    report = _drain_to(tmp_path, engine)
    assert report.counts == {"queued": 2}
    assert "no sender" in report.channel_errors["email"]
    defaults = delivery.Defaults(sender="Shop <a@b.c>")
    assert _drain_to(tmp_path, engine, defaults=defaults).counts == {"delivered": 2}


def test_a_folder_that_is_a_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    _queue(engine, 2)
    report = _drain_to(tmp_path / "out", engine)
    assert report.counts == {"queued": 2}
    assert "cannot write messages into" in report.channel_errors["email"]
    assert [row[:3] for row in _rows(engine)] == [("queued", report.channel_errors["email"], 0)] * 2


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cij.runtime.private_files.os.write", full)
    one = Prepared("k", "email", "a@b.c", "a@b.c", NOW, b"x" * 10)
    (outcome,) = open_transport(FileSettings(tmp_path)).deliver([one])
    assert outcome.status == "unsent"
    assert outcome.reason and "No space left on device" in outcome.reason
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# --- crashes ----------------------------------------------------------------------------------


class _Crash(BaseException):
    pass


class _Crashing:
    """A transport that hands everything over and never comes back."""

    def __init__(self, is_idempotent: bool) -> None:
        self.is_idempotent = is_idempotent

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        raise _Crash

    def close(self) -> None:
        pass


def _crash(engine: Engine, *, is_idempotent: bool) -> delivery.Recovery:
    transports = {"email": _Crashing(is_idempotent)}
    with pytest.raises(_Crash):
        drain(engine, transports, NOW)
    assert {row[0] for row in _rows(engine)} == {"sending"}
    return delivery.recover(engine, transports, NOW + MINUTE)


def test_after_a_crash_nothing_is_sent_again_by_itself(engine: Engine, tmp_path: Path) -> None:
    _queue(engine, 2)
    assert _crash(engine, is_idempotent=False) == delivery.Recovery(requeued=0, uncertain=2)
    outcome, reason, attempts, *_ = _rows(engine)[0]
    assert (outcome, attempts) == ("uncertain", 1)
    assert reason == "the program stopped while it was being sent, so it may have arrived"
    assert _drain_to(tmp_path, engine).counts == {}
    made_up = ["", "first", "j:1:first", "j:1:first:x", "j:2:first:0", f"j:{10**30}:first:0"]
    assert delivery.release_uncertain(engine, made_up) == 0
    assert delivery.release_uncertain(engine, ["j:1:first:0", *made_up]) == 1
    assert delivery.release_uncertain(engine, []) == 0
    assert _drain_to(tmp_path, engine).counts == {"delivered": 1}
    assert delivery.release_uncertain(engine) == 1


def test_after_a_crash_files_are_written_again(engine: Engine, tmp_path: Path) -> None:
    _queue(engine, 2)
    assert _crash(engine, is_idempotent=True) == delivery.Recovery(requeued=2, uncertain=0)
    assert _drain_to(tmp_path, engine).counts == {"delivered": 2}


_KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from cij.runtime import delivery
from cij.runtime.store import prepare
from cij.runtime.engine import Engine, open_engine
engine = open_engine(Path(sys.argv[1]))
transports = {"email": delivery.open_transport(delivery.FileSettings(Path(sys.argv[2])))}
print("ready", flush=True)
delivery.drain(engine, transports, datetime(2026, 3, 2, 10))
"""


@pytest.mark.slow
def test_killed_and_run_again_gives_each_file_once(tmp_path: Path) -> None:
    store, folder, whole = tmp_path / "state.db", tmp_path / "out", tmp_path / "whole"
    engine = open_engine(store)
    prepare(engine)
    _queue(engine, 1200)
    engine.close()
    command = [sys.executable, "-c", _KILLED, str(store), str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        while process.poll() is None and len(list(folder.rglob("*.eml"))) < 600:
            pass
        process.send_signal(signal.SIGKILL)
    engine = open_engine(store)
    transports = {"email": open_transport(FileSettings(folder))}
    assert delivery.recover(engine, transports, NOW).uncertain == 0
    drain(engine, transports, NOW)
    assert {row[0] for row in _rows(engine)} == {"delivered"}
    engine.execute(query("UPDATE outbox_row SET outcome = 'queued'"))
    _drain_to(whole, engine)
    engine.close()
    assert len(_files(whole)) == 1200
    assert _files(folder) == _files(whole)


# --- trying again -----------------------------------------------------------------------------


class _Busy:
    """A transport whose provider asks to try later, every time."""

    is_idempotent = False

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        return [Outcome(one.key, "retry", "451 busy") for one in batch]

    def close(self) -> None:
        pass


def test_attempts_are_spaced_and_end(engine: Engine) -> None:
    _queue(engine)
    now = NOW
    for attempt, pause in enumerate(BACKOFF, start=1):
        assert drain(engine, {"email": _Busy()}, now).counts == {"queued": 1}
        assert drain(engine, {"email": _Busy()}, now).counts == {}
        reason = f"attempt {attempt} of 6: 451 busy"
        assert _rows(engine) == [("queued", reason, attempt, now + pause, None, None)]
        now = now + pause
        assert delivery.next_due(engine) == now
    report = drain(engine, {"email": _Busy()}, now)
    assert [f.reason for f in report.failures] == ["gave up after 6 attempts: 451 busy"]
    assert _rows(engine)[0][:4] == ("failed", "gave up after 6 attempts: 451 busy", 6, None)
