"""Messages by any HTTP API, which a template in cij.toml declares."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from cij.app.config import load_settings
from cij.runtime.delivery.channels import ApiSettings, Prepared, open_transport
from cij.runtime.errors import ConfigError
from tests.provider_bed import NUMBERS, Answer, message, serving
from tests.service_bed import TOML

KEY = "very-secret-key"
SMS = """
[delivery.sms]
kind = "http"
url = "https://api.texts.example/v2/messages"
key_env = "K"
headers = { Authorization = "Bearer {key}", "Idempotency-Key" = "{id}" }
body = { to = "{to}", from = "Coffee", n = 1, content = [{ text = "Hi: {text}" }, "{text}"], ref = "{id}" }
id = "messages.0.id"
"""
MAIL = """
[delivery.email]
kind = "http"
url = "https://api.mails.example/send"
key_env = "K"
from = "a@shop.example"
format = "form"
headers = { authorization = "Basic {key_base64}" }
body = { to = "{to}", subject = "{subject}", html = "{html}", plain = "{text}", unsubscribe = "{unsubscribe}" }
"""


def settings(folder: Path, table: str, port: int, **more: Any) -> ApiSettings:
    file = folder / "cij.toml"
    file.write_text(TOML + table)
    channel = "sms" if "delivery.sms" in table else "email"
    way: Any = load_settings(file).delivery.by_channel()[channel]
    url = f"http://127.0.0.1:{port}/v2/send?a=1"
    return ApiSettings("http", KEY, way.options(), url, timeout_s=5.0, **more)


@dataclass
class Api:
    """Answers as the number or name says. `got` is what it was sent: (path, headers, body)."""

    port: int = 0
    got: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        is_form = headers["content-type"] == "application/x-www-form-urlencoded"
        said = (
            {k: v[0] for k, v in parse_qs(body.decode()).items()} if is_form else json.loads(body)
        )
        self.got.append((path, headers, said))
        who = NUMBERS.get(said["to"].removeprefix("+34"), said["to"].partition("@")[0])
        if who == "hangs" or said["to"] == "+34600000009":
            return None
        return {
            "bad": (422, {}, {"message": "no such\nnumber"}),
            "key": (401, {}, {"error": "no"}),
            "throttled": (429, {}, ""),
            "outage": (503, {}, ""),
            "gone": (200, {}, "<html>"),
        }.get(who, (202, {}, {"messages": [{"id": 17}]}))


def test_a_template_is_filled_and_answers_are_read(tmp_path: Path) -> None:
    odd = replace(message("twilio", "ana", 1), text='"}, \u2028 {to} \udcff', id="wéb:1")
    with serving(Api()) as found:
        way = open_transport(settings(tmp_path, SMS, found.port))
        batch = [
            odd,
            *(message("twilio", who, n) for n, who in enumerate(("bad", "gone", "ana"), 2)),
        ]
        outcomes = {one.key: one for one in way.deliver(batch)}
        sent, bad, gone, ana = (outcomes[one.key] for one in batch)
        assert (sent.status, sent.provider_id, gone.provider_id) == ("delivered", "17", None)
        assert (bad.status, bad.code, gone.status, ana.status) == (
            "failed",
            "422",
            "delivered",
            "delivered",
        )
        assert bad.reason == "the API refuses it: no such number"
        path, headers, said = found.got[0]
        assert path == "/v2/send?a=1" and headers["authorization"] == f"Bearer {KEY}"
        # What a customer wrote is a text inside of a text, and no placeholder.
        text = '"}, \u2028 {to} ?'
        assert said == {"to": "+34600000000", "from": "Coffee", "n": 1, "ref": "w%C3%A9b:1",
                        "content": [{"text": f"Hi: {text}"}, text]}  # fmt: skip
        assert headers["idempotency-key"] == "w%C3%A9b:1"
        for why in ("key", "throttled", "outage"):
            all = [message("twilio", why if n == 0 else "ana", n) for n in range(4)]
            assert {one.status for one in way.deliver(all)} == {"unsent"}, why
        [uncertain] = way.deliver([nobody()])
        assert uncertain.status == "uncertain"
        assert (uncertain.reason or "").startswith("127.0.0.1 did not confirm the message")
        # What the API knows by its id may be sent again.
        again = open_transport(settings(tmp_path, SMS, found.port, is_idempotent=True))
        assert again.is_idempotent and not way.is_idempotent
        assert [one.status for one in again.deliver([nobody()])] == ["retry"]


def nobody() -> Prepared:
    return replace(message("twilio", "ana"), address="+34600000009")


def test_a_mail_goes_as_a_form(tmp_path: Path) -> None:
    one = message("sendgrid", "ana")
    assert one.mail is not None
    plain = replace(one, key="b", mail=replace(one.mail, html=None, subject="a&b=c"))
    with serving(Api()) as found:
        way = open_transport(settings(tmp_path, MAIL, found.port))
        assert [each.status for each in way.deliver([one, plain])] == ["delivered"] * 2
    (_, headers, first), (_, _, second) = found.got
    assert headers["authorization"] == "Basic dmVyeS1zZWNyZXQta2V5"
    assert first["html"] == "<p>Hi</p>" and first["unsubscribe"].startswith(
        "https://shop.example/u"
    )
    # What has no value is left out, and no value adds a field.
    assert set(second) == {"to", "subject", "plain", "unsubscribe"} and second["subject"] == "a&b=c"


WRONG = {
    SMS.replace('url = "https://api.texts.example/v2/messages"', ''): "`url` is missing",
    SMS.replace("{text}", "{txt}"): "did you mean `text`",
    SMS.replace("{text}", "{subject}"): "no placeholder `{subject}`",
    SMS.replace("Bearer {key}", "Bearer abc"): "would not know you",
    SMS.replace('to = "{to}"', 'to = "x"'): "would not know the recipient",
    SMS.replace("{id}", "x") + "idempotent = true\n": "needs `{id}`",
    SMS.replace("Bearer {key}", "{to} {key}"): "no placeholder `{to}`",
    SMS.replace("Authorization", '"a b"'): "no name of a header",
    SMS.replace("Authorization", "Host"): "set by `cij` itself",
    SMS.replace("https:", "http:"): "https",
    SMS.replace("n = 1", "n = 2026-01-01"): "write it in quotes",
    SMS.replace("n = 1", "n = [{ m = nan }]"): "`body.n.0.m` is no text, number",
    SMS + 'format = "form"\n': "a form has only texts and numbers",
    MAIL.replace('from = "a@shop.example"\n', ""): "`from` is missing",
}  # fmt: skip


@pytest.mark.parametrize("table", WRONG)
def test_what_is_wrong_is_told_with_its_line(table: str, tmp_path: Path) -> None:
    file = tmp_path / "cij.toml"
    file.write_text(TOML + table)
    with pytest.raises(ConfigError) as error:
        load_settings(file)
    assert WRONG[table] in str(error.value) and "cij.toml:" in str(error.value), error.value
