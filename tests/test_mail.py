"""MIME: what any mail reader finds in the bytes that we build."""

import email
import email.policy
from datetime import datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given, strategies as st

from cij.runtime.delivery.mail import Email, build, message_id, page
from cij.runtime.errors import PermanentDelivery

SENT_AT = datetime(2026, 3, 2, 10, 0)

# Half surrogate pairs are no text; control characters have their own test.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))


def _email(**changes: object) -> Email:
    given: dict[str, object] = {
        "key": "loyalty/7/reward/0",
        "sender": "Café Ñandú <news@shop.example>",
        "recipient": "ana@example.com",
        "subject": "Hello",
        "text": "Hi Ana\n",
        "html": None,
        "locale": "en",
        "sent_at": SENT_AT,
        "journey": "loyalty_reward",
        "step": "reward",
    }
    return Email(**{**given, **changes})  # type: ignore[arg-type]


def _parsed(**changes: object) -> EmailMessage:
    data = build(_email(**changes))
    _assert_wire_form(data)
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def _assert_wire_form(data: bytes) -> None:
    assert data.isascii()
    assert data.endswith(b"\r\n")
    lines = data.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998


def _content(part: object) -> str:
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_headers() -> None:
    message = _parsed(reply_to="help@shop.example", unsubscribe="https://shop.example/u?k=1")
    assert message["From"] == "Café Ñandú <news@shop.example>"
    assert message["To"] == "ana@example.com"
    assert message["Reply-To"] == "help@shop.example"
    assert message["Date"] == "Mon, 02 Mar 2026 10:00:00 +0000"
    assert message["Content-Language"] == "en"
    assert message["X-Cij-Journey"] == "loyalty_reward"
    assert message["X-Cij-Step"] == "reward"
    assert message["List-Unsubscribe"] == "<https://shop.example/u?k=1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"] == message_id("loyalty/7/reward/0", "news@shop.example")
    assert message["Message-ID"].endswith("@shop.example>")


def test_nothing_to_unsubscribe_without_a_target() -> None:
    assert "List-Unsubscribe" not in _parsed()
    assert "List-Unsubscribe-Post" not in _parsed(unsubscribe="mailto:stop@shop.example")


def test_the_same_email_is_the_same_bytes() -> None:
    assert build(_email(html="<p>x</p>")) == build(_email(html="<p>x</p>"))
    assert build(_email(html="<p>x</p>")) != build(_email(html="<p>x</p>", key="other"))


def test_html_comes_with_its_text() -> None:
    message = _parsed(text="שלום\n", html="<p>שלום</p>", locale="he-IL")
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert _content(text) == "שלום\n"
    assert '<html lang="he-IL" dir="rtl">' in _content(html)
    assert "<p>שלום</p>" in _content(html)


def test_a_whole_page_is_left_alone() -> None:
    whole = '<!DOCTYPE html>\n<html lang="x">'
    assert page(whole, "ar") == whole
    assert 'dir="rtl"' in page("<p>", "ar")
    assert 'dir="ltr"' in page("<p>", "pt-BR")


@given(subject=TEXT, journey=TEXT)
def test_any_text_survives_in_headers(subject: str, journey: str) -> None:
    message = _parsed(subject=subject, journey=journey)
    assert message["Subject"] == subject.strip()
    assert message["X-Cij-Journey"] == journey.strip()


@given(name=TEXT)
def test_any_name_of_a_sender_survives(name: str) -> None:
    data = build(_email(sender=f"{_quoted(name)} <a@b.example>"))
    _assert_wire_form(data)
    # The newer parser of the standard library puts blanks between the encoded words of a name.
    found, address = parseaddr(email.message_from_bytes(data)["From"])
    assert address == "a@b.example"
    assert str(make_header(decode_header(found))).split() == name.split()


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(text=TEXT, html=st.none() | TEXT)
def test_any_text_survives_in_bodies(text: str, html: str | None) -> None:
    message = _parsed(text=text, html=html)
    parts = list(message.iter_parts()) if html is not None else [message]
    assert _content(parts[0]) == text + "\n"
    if html is not None:
        assert html.rstrip() in _content(parts[1])


@pytest.mark.parametrize(
    "text",
    ["a" * 5000, "שלום " * 400, "🎉" * 900, ".\n..\n. x\n", "a \t \nb\n", "=3D\n--x\nFrom me\n"],
)
def test_hard_bodies(text: str) -> None:
    assert _content(_parsed(text=text)).rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize("subject", ["a" * 2000, "long words " * 99, "=?utf-8?B?eA==?=", "\ud800x"])
def test_hard_subjects(subject: str) -> None:
    assert _parsed(subject=subject)["Subject"] == subject.strip().replace("\ud800", "?")


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: spy@evil.example", "x\nBcc: a", "x\x00\x1b[0m", "x\u2028y"]
)
def test_a_subject_cannot_add_a_header(evil: str) -> None:
    message = _parsed(subject=evil, step=evil)
    assert "Bcc" not in message
    assert message["Subject"].startswith("x ")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "ana@exa mple.com",
        "ana@example.com\r\nBcc: spy@evil.example",
        "ana@example.com>",
        "a,b@example.com",
        "Ana <ana@example.com>",
        "ana..b@example.com",
        "ana@-x.com",
        "ana@example..com",
        "añа@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
    ],
)
def test_wrong_addresses_are_refused(wrong: str) -> None:
    with pytest.raises(PermanentDelivery, match="is not an email|domain|letters"):
        build(_email(recipient=wrong))


def test_a_domain_in_any_script() -> None:
    assert _parsed(recipient="ana@bücher.example")["To"] == "ana@xn--bcher-kva.example"


@pytest.mark.parametrize("wrong", ["javascript:x", "https://x y", "https://x\r\nBcc: a", "x"])
def test_wrong_targets_to_unsubscribe_are_refused(wrong: str) -> None:
    with pytest.raises(PermanentDelivery, match="web address"):
        build(_email(unsubscribe=wrong))
