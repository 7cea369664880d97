"""Messages by the HTTP API of providers, against a server that answers as each of them documents."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from cij.app.config import load_settings
from cij.cli.exits import Exit
from cij.runtime.delivery.channels import ApiSettings, Prepared, open_transport
from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.providers import PROVIDERS
from cij.runtime.delivery.channels.providers.aws_call_signature import Signer
from cij.runtime.delivery.channels.transport import Outcome, Transport
from cij.runtime.delivery.handover import Handover
from cij.runtime.errors import ConfigError
from tests.conftest import Cij
from tests.provider_bed import NUMBERS, Answer, message, serving
from tests.service_bed import TOML, served, shop_project

KEY = "very-secret-key"
ACCOUNT = "AC" + "0" * 32
OPTIONS = {
    "sendgrid": {"region": "eu"},
    "postmark": {"stream": "broadcast"},
    "mailgun": {"domain": "mg.shop.example", "region": "eu"},
    "ses": {"region": "eu-west-1", "access_key": "AKIDEXAMPLE", "session_token": "st", "configuration_set": "cs"},
    "twilio": {"account": ACCOUNT, "sender": "+34910000000"},
    "vonage": {"account": "abcd1234", "sender": "Shop"},
}  # fmt: skip
_NONE: dict[str, str] = {}


# --- a server as the providers document it ----------------------------------------------------


@dataclass
class Provider:
    """What the server got: (path, headers, what was said). `then` is what it does with a recipient."""

    name: str
    port: int = 0
    got: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """Return an answer; None to hang up after the message was taken."""
        said, to = _READ[self.name](path, headers, body)
        with self.lock:
            self.got.append((path, headers, said))
        who = to.removeprefix("+34").partition("@")[0]
        return None if who in ("hangs", "600000009") else _answers(self.name, who)


def _sendgrid(path: str, headers: dict[str, str], body: bytes) -> tuple[Any, str]:
    found = json.loads(body)
    assert path == "/v3/mail/send" and headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    [person] = found["personalizations"]
    return found, person["to"][0]["email"]


def _postmark(path: str, headers: dict[str, str], body: bytes) -> tuple[Any, str]:
    found = json.loads(body)
    assert path == "/email" and headers["x-postmark-server-token"] == KEY
    return found, found["To"]


def _mailgun(path: str, headers: dict[str, str], body: bytes) -> tuple[Any, str]:
    assert path == "/v3/mg.shop.example/messages.mime"
    assert headers["authorization"] == "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
    whole = message_from_bytes(
        b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + body
    )
    found: dict[str, Any] = {}
    for part in whole.walk():
        if (name := part.get_param("name", header="content-disposition")) is not None:
            payload = part.get_payload()
            found[str(name)] = payload[0] if isinstance(payload, list) else payload
    return found, found["to"]


def _ses(path: str, headers: dict[str, str], body: bytes) -> tuple[Any, str]:
    assert path == "/v2/email/outbound-emails" and headers["x-amz-security-token"] == "st"
    assert abs(datetime.now(UTC) - datetime.strptime(headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")).total_seconds() < 60  # fmt: skip
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert names == ["content-type", "host", "x-amz-date", "x-amz-security-token"]
    signer = Signer("AKIDEXAMPLE", KEY, "eu-west-1", "ses")
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    signed = {name: headers[name] for name in names}
    assert headers["authorization"] == signer.authorization("POST", path, signed, body, at)
    found = json.loads(body)
    return found, found["Destination"]["ToAddresses"][0]


def _twilio(path: str, headers: dict[str, str], body: bytes) -> tuple[Any, str]:
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert (
        headers["authorization"]
        == "Basic " + base64.b64encode(f"{ACCOUNT}:{KEY}".encode()).decode()
    )
    found = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return found, found["To"]


def _vonage(path: str, headers: dict[str, str], body: bytes) -> tuple[Any, str]:
    found = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert path == "/sms/json" and found.pop("api_secret") == KEY
    return found, "+" + found["to"]


_READ: dict[str, Callable[[str, dict[str, str], bytes], tuple[Any, str]]] = {
    "sendgrid": _sendgrid, "postmark": _postmark, "mailgun": _mailgun, "ses": _ses,
    "twilio": _twilio, "vonage": _vonage,
}  # fmt: skip


def _fault(text: str, where: str | None = None) -> dict[str, Any]:
    return {"errors": [{"message": text, "field": where, "help": None}]}


def _answers(name: str, who: str) -> Answer:
    who = NUMBERS.get(who, who)
    if name == "vonage" and who in _OWN[name]:
        return _OWN[name][who]
    if who == "throttled":
        return 429, {"retry-after": "7"}, {"message": "too many requests"}
    if who in ("outage", "broken"):
        return (503 if who == "outage" else 502), _NONE, "<html>Bad Gateway</html>"
    return _OWN[name].get(who, _OWN[name]["ana"])


def _part(status: str, text: str = "") -> Answer:
    said = (
        {"status": status, "error-text": text} if text else {"status": status, "message-id": "VO1"}
    )
    return 200, _NONE, {"message-count": "1", "messages": [{"to": "34600000000", **said}]}


_UNVERIFIED = (
    "Email address is not verified. The following identities failed the check in region EU-WEST-1: "
)
_OWN: dict[str, dict[str, Answer]] = {
    "vonage": {
        "ana": _part("0"),
        "bad": _part("33", "Number De-activated"),
        "sender": _part("15", "Illegal Sender Address - rejected"),
        "key": _part("4", "Bad Credentials: wrong key"),
        "throttled": _part("1", "Throughput Rate Exceeded"),
        "gone": _part("12", "Message too long"),
        "broken": _part("5", "Internal Error"),
    },
    "sendgrid": {
        "ana": (202, {"x-message-id": "sg-1"}, ""),
        "bad": (400, _NONE, _fault("Does not contain a valid address.", "personalizations.0.to.0.email")),
        "sender": (403, _NONE, _fault("The from address does not match a verified Sender Identity.", "from")),
        "key": (401, _NONE, _fault("The provided authorization grant is invalid")),
        "gone": (413, _NONE, _fault("Payload too large")),
    },
    "postmark": {
        "ana": (200, _NONE, {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1"}),
        "bad": (422, _NONE, {"ErrorCode": 406, "Message": "You tried to send to an inactive recipient."}),
        "sender": (422, _NONE, {"ErrorCode": 400, "Message": "The Sender Signature is not defined."}),
        "key": (401, _NONE, {"ErrorCode": 10, "Message": "Bad or missing Server API token."}),
        "gone": (422, _NONE, {"ErrorCode": 300, "Message": "Invalid 'Subject'."}),
    },
    "mailgun": {
        "ana": (200, _NONE, {"id": "<mg-1@mg.shop.example>", "message": "Queued. Thank you."}),
        "bad": (400, _NONE, {"message": "to parameter is not a valid address. please check documentation"}),
        "key": (401, _NONE, "Forbidden"),
        "gone": (400, _NONE, {"message": "message is too large"}),
    },
    "ses": {
        "ana": (200, _NONE, {"MessageId": "ses-1"}),
        "bad": (400, {"x-amzn-errortype": "BadRequestException:"}, {"message": "Domain contains illegal character"}),
        "sender": (400, {"x-amzn-errortype": "MailFromDomainNotVerifiedException"}, {"message": "MAIL FROM domain"}),
        "key": (403, {"x-amzn-errortype": "InvalidSignatureException"}, {"message": "The request signature we ..."}),
        "gone": (400, {"x-amzn-errortype": "MessageRejected"}, {"message": "Message length is too long"}),
        "unknown": (400, {"x-amzn-errortype": "MessageRejected"}, {"message": _UNVERIFIED + "NEWS@SHOP.EXAMPLE"}),
        "sandbox": (400, {"x-amzn-errortype": "MessageRejected"}, {"message": _UNVERIFIED + "SANDBOX@EXAMPLE.COM"}),
        "paused": (400, {"x-amzn-errortype": "SendingPausedException"}, {"message": "Sending is paused"}),
    },
    "twilio": {
        "ana": (201, _NONE, {"sid": "SM1", "status": "queued", "error_code": None}),
        "bad": (400, _NONE, {"code": 21211, "message": "The 'To' number is not a valid phone number."}),
        "sender": (400, _NONE, {"code": 21606, "message": "The 'From' number is not a valid one."}),
        "key": (401, _NONE, {"code": 20003, "message": "Authenticate"}),
        "gone": (400, _NONE, {"code": 21617, "message": "The message body exceeds the limit."}),
        "later": (400, _NONE, {"code": 21611, "message": "This 'From' number has exceeded the queue."}),
    },
}  # fmt: skip


@contextmanager
def provider(name: str) -> Iterator[Provider]:
    with serving(Provider(name)) as found:
        yield found


def settings(name: str, port: int, **more: Any) -> ApiSettings:
    return ApiSettings(name, KEY, OPTIONS[name], f"http://127.0.0.1:{port}", timeout_s=5.0, **more)


def sent(
    found: Provider, *batch: Prepared, transport: Transport | None = None
) -> dict[str, Outcome]:
    outcomes = (transport or open_transport(settings(found.name, found.port))).deliver(batch)
    assert len(outcomes) == len(batch)
    return {one.key: one for one in outcomes}


# --- tests ------------------------------------------------------------------------------------

# Those with tests of their own.
ELSEWHERE = ("http", "fcm", "apns", "webpush")
EACH = pytest.mark.parametrize("name", [name for name in PROVIDERS if name not in ELSEWHERE])


@EACH
def test_a_message_arrives_as_it_was_written(name: str) -> None:
    with provider(name) as found:
        one = message(name, "ana")
        [outcome] = sent(found, one).values()
    ids = {
        "sendgrid": "sg-1",
        "postmark": "pm-1",
        "mailgun": "<mg-1@mg.shop.example>",
        "ses": "ses-1",
        "twilio": "SM1",
        "vonage": "VO1",
    }
    assert outcome == Outcome(one.key, "delivered", provider_id=ids[name])
    [(_, _, said)] = found.got
    marks = {"cij_customer": "c1", "cij_key": one.key}
    if name == "twilio":
        assert said == {"To": "+34600000000", "From": "+34910000000", "Body": "Hi ñ & 1+1"}
    elif name == "vonage":
        wanted = {"to": "34600000000", "from": "Shop", "text": "Hi ñ & 1+1", "type": "text"}
        assert said == {**wanted, "api_key": "abcd1234", "client-ref": one.key}
    elif name == "mailgun":
        assert {k.removeprefix("v:"): v for k, v in said.items() if k.startswith("v:")} == marks
        assert said["message"]["Message-ID"] == message_from_bytes(one.content)["Message-ID"]
        assert said["message"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    elif name == "ses":
        assert base64.b64decode(said["Content"]["Raw"]["Data"]) == one.content
        assert said["ConfigurationSetName"] == "cs"
        tags = {tag["Name"]: tag["Value"] for tag in said["EmailTags"]}
        assert {
            name: base64.urlsafe_b64decode(v + "==").decode() for name, v in tags.items()
        } == marks
    elif name == "postmark":
        assert said["Metadata"] == marks and said["MessageStream"] == "broadcast"
        assert said["From"] == "The Shop <news@shop.example>" and said["Subject"] == "Grüße"
        headers = {each["Name"]: each["Value"] for each in said["Headers"]}
        assert headers["List-Unsubscribe"] == "<https://shop.example/u?a=1>"
        assert '<html lang="es"' in said["HtmlBody"] and said["TextBody"] == "Hi"
    else:
        assert said["from"] == {"email": "news@shop.example", "name": "The Shop"}
        assert said["personalizations"][0]["custom_args"] == marks
        assert said["reply_to"] == {"email": "help@shop.example"}
        assert [part["type"] for part in said["content"]] == ["text/plain", "text/html"]
        assert said["headers"]["X-Cij-Journey"] == "welcome" and "From" not in said["headers"]


@EACH
def test_what_refusals_mean(name: str) -> None:
    with provider(name) as found:
        batch = [
            message(name, who, n) for n, who in enumerate(("ana", "bad", "gone", "sender", "ana"))
        ]
        outcomes = [*sent(found, *batch).values()]
        by_key = {one.key: one for one in outcomes}
        ana, bad, gone, sender, last = (by_key[one.key] for one in batch)
        assert ana.status == last.status == "delivered"
        assert (bad.status, bad.is_bounce) == ("failed", True) and bad.code
        assert (gone.status, gone.is_bounce) == ("failed", False)
        # Mailgun takes any sender of its domain.
        assert sender.status == ("delivered" if name == "mailgun" else "held")
        if name == "twilio":
            assert sent(found, message(name, "later"))[batch[0].key].status == "retry"


@EACH
@pytest.mark.parametrize("why", ["throttled", "outage", "key"])
def test_a_provider_that_takes_nothing_is_asked_once(name: str, why: str) -> None:
    with provider(name) as found:
        batch = [message(name, why if n == 0 else "ana", n) for n in range(20)]
        outcomes = sent(found, *batch)
    assert {one.status for one in outcomes.values()} == {"unsent"} and len(found.got) == 1
    reason = outcomes[batch[0].key].reason or ""
    assert KEY not in reason and ("key" in reason) == (why == "key")
    nobody = open_transport(settings(name, found.port))
    assert {one.status for one in nobody.deliver(batch)} == {"unsent"}


@EACH
@pytest.mark.parametrize("why", ["hangs", "broken"])
def test_what_was_not_confirmed_is_uncertain_and_not_sent_twice(
    name: str, why: str, tmp_path: Path
) -> None:
    with provider(name) as found:
        file = tmp_path / "handover-x.jsonl"
        transport = open_transport(settings(name, found.port, handover=file, connections=2))
        batch = [
            message(name, "ana", 0),
            message(name, why, 1),
            *(message(name, "ana", n) for n in (2, 3)),
        ]
        handover = transport.handover  # type: ignore[attr-defined]
        token = handover.begin(one.key for one in batch)
        outcomes = sent(found, *batch, transport=transport)
        transport.close()
        assert outcomes[batch[1].key].status == "uncertain"
        assert [outcomes[batch[n].key].status for n in (0, 2, 3)] == ["delivered"] * 3
        assert len(found.got) == 4
        # After a crash the file tells the same.
        left = Handover(file).left()
        assert left is not None and left.token == token
        assert left.taken == {one.key for one in batch} == set(left.heard)
        # A provider that does this to everybody is asked once a batch.
        doubtful = [message(name, why, n) for n in range(5)]
        statuses = [one.status for one in transport_again(found).deliver(doubtful)]
        assert sorted(statuses) == ["uncertain", *["unsent"] * 4]


def transport_again(found: Provider) -> Transport:
    return open_transport(settings(found.name, found.port))


def test_odd_values_harm_nobody() -> None:
    with (
        provider("mailgun") as mailgun,
        provider("twilio") as twilio,
        provider("sendgrid") as sendgrid,
    ):
        mail = replace(message("mailgun", "ana"), customer='x"\r\nto: evil\r\n\udcff')
        text = replace(message("twilio", "ana"), text="\udcff\x00\n--", customer="\udcff&To=x")
        parts = message("sendgrid", "ana").mail
        assert parts is not None
        odd = replace(message("sendgrid", "ana"), mail=replace(parts, subject="\udcff", text=""))
        for found, one in ((mailgun, mail), (twilio, text), (sendgrid, odd)):
            [outcome] = sent(found, one).values()
            assert outcome.status == "delivered", outcome
        assert twilio.got[0][2]["To"] == "+34600000000"
        assert mailgun.got[0][2]["to"] == "ana@example.com"
        # One that cannot be written at all fails alone.
        broken, whole = (
            replace(message("sendgrid", "ana"), mail=None),
            message("sendgrid", "ana", 1),
        )
        outcomes = sent(sendgrid, broken, whole)
        assert [outcomes[one.key].status for one in (broken, whole)] == ["failed", "delivered"]


def test_twilio_is_told_where_to_report() -> None:
    with provider("twilio") as found:
        way = settings("twilio", found.port, reports_to="https://shop.example/v1/callbacks/twilio")
        sent(
            found, replace(message("twilio", "ana"), customer="a&b"), transport=open_transport(way)
        )
    wanted = (
        "https://shop.example/v1/callbacks/twilio?cij_customer=a%26b&cij_key=welcome%3A0%3Amail%3A0"
    )
    assert found.got[0][2]["StatusCallback"] == wanted


def test_what_ses_says_of_an_account_in_its_sandbox() -> None:
    with provider("ses") as found:
        batch = [message("ses", who, n) for n, who in enumerate(("unknown", "sandbox", "ana"))]
        statuses = [sent(found, one)[one.key].status for one in batch]
        assert statuses == ["held", "failed", "delivered"]
        assert sent(found, message("ses", "paused"))[batch[0].key].status == "unsent"


def test_vonage_is_told_of_characters_that_gsm_lacks() -> None:
    with provider("vonage") as found:
        sent(found, replace(message("vonage", "ana"), text="Привет"))
    said = found.got[0][2]
    assert (said["type"], said["text"]) == ("unicode", "Привет")
    assert "callback" not in said
    with provider("vonage") as found:
        way = settings("vonage", found.port, reports_to="https://shop.example/v1/callbacks/vonage")
        sent(found, message("vonage", "ana"), transport=open_transport(way))
    assert found.got[0][2]["callback"] == "https://shop.example/v1/callbacks/vonage"


def test_what_waits_can_be_taken_back() -> None:
    with provider("postmark") as found:
        batch = Batch([message("postmark", "ana", n) for n in range(3)])
        transport = open_transport(settings("postmark", found.port))
        first = found.answer

        def recalls(path: str, headers: dict[str, str], body: bytes) -> Answer | None:
            batch.recall()
            return first(path, headers, body)

        found.answer = recalls  # type: ignore[method-assign]
        assert [one.status for one in transport.deliver(batch)] == ["delivered"] and len(
            found.got
        ) == 1


SES = (
    'email]\nkind = "ses"\nkey_env = "K"\nfrom = "a@b.example"\naccess_key = "AKIDEXAMPLE0000000"\n'
)
TABLES = {
    'email]\nkind = "sendgrid"\nkey_env = "K"\nfrom = "a@b.example"\nregion = "eu"\n': "",
    'email]\nkind = "postmark"\nkey_env = "K"\nfrom = "a@b.example"\nstream = "x"\n': "",
    'email]\nkind = "mailgun"\nkey_env = "K"\nfrom = "a@b.example"\ndomain = "mg.example"\n': "",
    f'{SES}region = "eu-west-1"\nconfiguration_set = "cs"\nsession_token_env = "K"\n': "",
    f'{SES}region = "Ireland"\n': "region",
    f'sms]\nkind = "twilio"\nkey_env = "K"\naccount = "{ACCOUNT}"\nfrom = "+34910"\n': "",
    'sms]\nkind = "vonage"\nkey_env = "K"\naccount = "abcd1234"\nfrom = "Shop"\n': "",
    'sms]\nkind = "vonage"\nkey_env = "K"\naccount = "abcd1234"\n': "`from` is missing",
    'email]\nkind = "sendgrid"\nkey = "K"\nfrom = "a@b.example"\n': "`key_env` is missing",
    'email]\nkind = "sendgrid"\nkey_env = "K"\n': "`from` is missing",
    'email]\nkind = "sendgrid"\nkey_env = "K"\nfrom = "a@b.example"\nurl = "http://x.example"\n': "https",
    'email]\nkind = "mailgun"\nkey_env = "K"\nfrom = "a@b.example"\ndomain = "a/b"\n': "domain",
    'email]\nkind = "twilio"\nkey_env = "K"\n': "can be files, smtp, sendgrid, postmark, mailgun, ses or http",
    f'sms]\nkind = "twilio"\nkey_env = "K"\naccount = "{ACCOUNT}"\n': "`from` or `service`",
}


def test_settings_of_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", KEY)
    file = tmp_path / "cij.toml"
    for table, fault in TABLES.items():
        file.write_text(f"{TOML}[delivery.{table}")
        if fault:
            with pytest.raises(ConfigError) as error:
                load_settings(file)
            assert fault in str(error.value), table
        else:
            load_settings(file)


def test_a_key_that_is_missing_is_named_and_none_is_told(
    tmp_path: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = '[delivery.email]\nkind = "postmark"\nkey_env = "POSTMARK_KEY"\nfrom = "a@b.example"\nurl = "{}"\n'
    folder = shop_project(tmp_path / "shop", mail.format("http://127.0.0.1:1"))
    done = cij("run", folder, "--once")
    assert done.code == Exit.CONFIG and "POSTMARK_KEY is not set" in done.err
    monkeypatch.setenv("POSTMARK_KEY", KEY)
    done = cij("doctor", folder)
    assert "cannot reach 127.0.0.1:1" in done.out and KEY not in done.out + done.err


@pytest.mark.slow
def test_a_run_sends_by_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTMARK_KEY", KEY)
    with provider("postmark") as found:
        mail = (
            '[delivery.email]\nkind = "postmark"\nkey_env = "POSTMARK_KEY"\nfrom = "a@b.example"\n'
        )
        folder = shop_project(tmp_path / "shop", f'{mail}url = "http://127.0.0.1:{found.port}"\n')
        with served(folder) as bed:
            bed.post("/v1/events/purchase", {"customer": "shop:1"})
            bed.settled(lambda: len(found.got) == 1, "it is sent")
    [(_, _, said)] = found.got
    assert said["To"] == "ana@example.com" and said["Metadata"]["cij_key"].startswith("thank:")
    assert (folder / ".cij" / "handover-postmark.jsonl").exists()


def test_a_key_in_place_of_the_name_of_its_variable_is_not_shown(tmp_path: Path, cij: Cij) -> None:
    head = '[project]\nname = "p"\ntimezone = "UTC"\n'
    for setting in ('key_env = "SG.abc-def"', 'from = "env:SG.abc-def"'):
        text = f'{head}[delivery.email]\nkind = "sendgrid"\n{setting}\n'
        (tmp_path / "cij.toml").write_text(text)
        for words in (("doctor", tmp_path), ("run", tmp_path, "--once")):
            done = cij(*words)
            assert done.code == Exit.CONFIG and "SG.abc" not in done.out + done.err
            said = done.out + done.err
            assert "cij.toml:6" in said and "is the name of an environment variable" in said


def test_nor_is_one_of_another_environment(tmp_path: Path, cij: Cij) -> None:
    text = '[project]\nname = "p"\ntimezone = "UTC"\n[env.prod.delivery.email]\nkind = "sendgrid"\n'
    (tmp_path / "cij.toml").write_text(f'{text}from = "a@shop.example"\nkey_env = "SG.abc-def"\n')
    done = cij("doctor", tmp_path)
    assert done.code == Exit.CONFIG and "SG.abc" not in done.out + done.err
    assert "cij.toml:7: `env.prod.delivery.email.key_env` is the name of" in done.out
