"""Email over SMTP against a real server, and against servers that misbehave."""

import email
import email.policy
import shutil
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, Envelope, Session

from cij.compiler.program import Content, Message, Place
from cij.compiler.sql import query
from cij.runtime import delivery
from cij.runtime.delivery.channels import Outcome, Prepared, SmtpSettings, open_transport
from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.mail import Email, build
from cij.runtime.engine import Engine, open_engine
from cij.runtime.store import prepare
from tests.mail_server import MailServer
from tests.outbox import put

NOW = datetime(2026, 3, 2, 10, 0)
HOST = "127.0.0.1"


class _Inbox:
    """What the server got, and how it answers: a reply by recipient, for a number of times."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.peers: set[Any] = set()
        self.at_recipient: dict[str, list[str]] = {}
        self.at_data: dict[str, list[str]] = {}
        self.sender_reply: str | None = None
        self.drops_after: int | None = None
        self.closes_after: int | None = None

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_reply:
            return self.sender_reply
        seen = session.__dict__.setdefault("seen", 0)
        if self.closes_after is not None and seen >= self.closes_after:
            server.transport.close()
        session.__dict__["seen"] = seen + 1
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        replies = self.at_recipient.get(address)
        if replies:
            return replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        (address,) = envelope.rcpt_tos
        replies = self.at_data.get(address)
        if replies:
            return replies.pop(0)
        assert isinstance(envelope.content, bytes)
        self.got.append((address, envelope.content))
        self.peers.add(session.peer)
        if self.drops_after is not None and len(self.got) > self.drops_after:
            server.transport.abort()
        return f"250 queued as {len(self.got)}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _server(inbox: _Inbox, **options: Any) -> Iterator[int]:
    controller = MailServer(inbox, hostname=HOST, port=_free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _settings(port: int, **more: Any) -> SmtpSettings:
    plain: dict[str, Any] = {"security": "none", "timeout_s": 5, "client_name": "localhost"}
    return SmtpSettings(HOST, port, **{**plain, **more})


def _prepared(index: int = 0, **changes: Any) -> Prepared:
    key, address = f"k{index}", f"c{index}@example.com"
    given: dict[str, Any] = {"subject": "Hello", "text": f"Hi {index}\n", "html": None}
    made = Email(
        key=key,
        sender="Shop <a@b.example>",
        recipient=address,
        locale="en",
        sent_at=NOW,
        journey="j",
        step="s",
        **{**given, **changes},
    )
    return Prepared(key, "email", address, "a@b.example", NOW, build(made))


def _send(port: int, *batch: Prepared, **more: Any) -> list[Outcome]:
    return open_transport(_settings(port, **more)).deliver(batch)


def _read(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_it_arrives_as_it_was_written() -> None:
    inbox = _Inbox()
    with _server(inbox) as port:
        html = "<p>¡Hola שלום 🎉!</p>"
        text = ".\n..two dots\n" + "long ñ " * 300 + "\n"
        (outcome,) = _send(port, _prepared(subject="¡Hola 🎉!", text=text, html=html))
    assert outcome == Outcome("k0", "delivered", None, "queued as 1")
    ((address, data),) = inbox.got
    message = _read(data)
    assert address == message["To"] == "c0@example.com"
    assert message["Subject"] == "¡Hola 🎉!"
    plain, rich = message.iter_parts()
    assert isinstance(plain, EmailMessage) and isinstance(rich, EmailMessage)
    assert plain.get_content().replace("\r\n", "\n") == text
    assert html in rich.get_content()


@pytest.mark.slow
def test_many_at_once_and_each_exactly_once() -> None:
    inbox = _Inbox()
    batch = [_prepared(i) for i in range(500)]
    with _server(inbox) as port:
        outcomes = _send(port, *batch, connections=8)
    assert Counter(o.status for o in outcomes) == {"delivered": 500}
    assert {o.key for o in outcomes} == {one.key for one in batch}
    assert sorted(address for address, _ in inbox.got) == sorted(one.address for one in batch)
    assert len({_read(data)["Message-ID"] for _, data in inbox.got}) == 500
    assert len(inbox.peers) == 8


def test_refusals_concern_one_message() -> None:
    inbox = _Inbox()
    inbox.at_recipient = {"c0@example.com": ["451 busy"], "c1@example.com": ["550 unknown"]}
    inbox.at_data = {"c2@example.com": ["452 full"], "c3@example.com": ["554 spam"]}
    with _server(inbox) as port:
        first = _send(port, *map(_prepared, range(5)), connections=1)
        again = _send(port, _prepared(0), _prepared(2))
    assert [(o.key, o.status) for o in first] == [
        ("k0", "retry"),
        ("k1", "failed"),
        ("k2", "retry"),
        ("k3", "failed"),
        ("k4", "delivered"),
    ]
    assert first[0].reason == f"{HOST}:{port} asks to try later: 451 busy"
    assert first[1].reason == f"{HOST}:{port} refuses it: 550 unknown"
    assert {o.status for o in again} == {"delivered"}


def test_a_refused_sender_holds_its_own_messages() -> None:
    inbox = _Inbox()
    inbox.sender_reply = "550 not you"
    with _server(inbox) as port:
        outcomes = _send(port, *map(_prepared, range(9)), connections=2)
    assert {o.status for o in outcomes} == {"held"}
    assert {o.reason for o in outcomes} == {
        f"{HOST}:{port} refuses the sender a@b.example: 550 not you"
    }
    assert len(outcomes) == 9


def test_nobody_there() -> None:
    port = _free_port()
    outcomes = _send(port, *map(_prepared, range(3)))
    assert [o.status for o in outcomes] == ["unsent"] * 3
    assert outcomes[0].reason and f"{HOST}:{port} failed" in outcomes[0].reason


@contextmanager
def _socket_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve connections one by one by `talk`."""
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        # Closing alone would leave `accept` waiting.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_server_that_hangs_up_at_once() -> None:
    with _socket_server(lambda connection: None) as port:
        outcomes = _send(port, *map(_prepared, range(3)))
    assert [o.status for o in outcomes] == ["unsent"] * 3


def test_a_server_that_says_nothing() -> None:
    done = threading.Event()

    def talk(connection: socket.socket) -> None:
        done.wait(10)

    with _socket_server(talk) as port:
        outcomes = _send(port, _prepared(), timeout_s=0.2)
        done.set()
    assert [o.status for o in outcomes] == ["unsent"]
    assert outcomes[0].reason and "Timed out" in outcomes[0].reason


def test_a_server_that_takes_a_message_and_hangs_up() -> None:
    inbox = _Inbox()
    inbox.drops_after = 2
    with _server(inbox) as port:
        batch = Batch([*map(_prepared, range(6))])
        outcomes = open_transport(_settings(port, connections=1)).deliver(batch)
    # The server does take messages, so the rest waits for the next batch.
    assert [o.status for o in outcomes] == ["delivered", "delivered", "uncertain"]
    assert len(batch.recall()) == 3
    assert outcomes[2].reason and "did not confirm the message" in outcomes[2].reason


def test_a_server_that_never_confirms() -> None:
    done = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection.makefile("rwb", buffering=0) as lines:
            lines.write(b"220 hi\r\n")
            for answer in (b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
                lines.readline()
                lines.write(answer)
            done.wait(10)

    with _socket_server(talk) as port:
        outcomes = _send(port, _prepared(), _prepared(1), timeout_s=0.3, connections=1)
        done.set()
    assert [o.status for o in outcomes] == ["uncertain", "unsent"]


@pytest.mark.parametrize(
    "answer", [b"hello there", b"250", b"25x ok", b"600 what", b"299 hm", b"x" * 200_000]
)
def test_an_answer_to_the_content_that_says_nothing_leaves_it_uncertain(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        with connection.makefile("rwb", buffering=0) as lines:
            lines.write(b"220 hi\r\n")
            for said in (b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
                lines.readline()
                lines.write(said)
            while lines.readline() != b".\r\n":
                pass
            lines.write(answer + b"\r\n")

    with _socket_server(talk) as port:
        outcomes = _send(port, _prepared(), timeout_s=5, connections=1)
    # A code that stands alone is a clean answer.
    assert [o.status for o in outcomes] == ["delivered" if answer == b"250" else "uncertain"]


def test_a_server_that_closes_now_and_then_loses_nothing() -> None:
    inbox = _Inbox()
    inbox.closes_after = 3
    with _server(inbox) as port:
        outcomes = _send(port, *map(_prepared, range(20)), connections=2)
    assert Counter(o.status for o in outcomes) == {"delivered": 20}
    assert len(inbox.got) == len({address for address, _ in inbox.got}) == 20


def _check(
    server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"me", b"secret"), handled=False)


def test_login() -> None:
    inbox = _Inbox()
    options = {"authenticator": _check, "auth_require_tls": False}
    with _server(inbox, **options) as port:
        (good,) = _send(port, _prepared(), username="me", password="secret")
        (bad,) = _send(port, _prepared(), username="me", password="wrong")
    assert good.status == "delivered"
    assert bad.status == "unsent"
    assert bad.reason and "does not accept the user name or password" in bad.reason
    assert "secret" not in repr(_settings(port, password="secret"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=test"]
    command += ["-addext", f"subjectAltName=IP:{HOST}"]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def _tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*map(str, certificate))
    return context


def test_starttls(certificate: tuple[Path, Path]) -> None:
    inbox = _Inbox()
    options = {"tls_context": _tls(certificate), "require_starttls": True}
    with _server(inbox, **options) as port:
        trusted = {"security": "starttls", "ca_file": str(certificate[0])}
        (good,) = _send(port, _prepared(), **trusted)
        (unknown,) = _send(port, _prepared(1), security="starttls")
    assert good.status == "delivered"
    assert unknown.status == "unsent"
    assert unknown.reason and "no secure connection" in unknown.reason
    assert [address for address, _ in inbox.got] == ["c0@example.com"]


def test_implicit_tls(certificate: tuple[Path, Path]) -> None:
    inbox = _Inbox()
    with _server(inbox, ssl_context=_tls(certificate)) as port:
        trusted = {"security": "implicit", "ca_file": str(certificate[0])}
        (good,) = _send(port, _prepared(), **trusted)
    assert good.status == "delivered"


def test_a_server_without_tls_gets_nothing() -> None:
    inbox = _Inbox()
    with _server(inbox) as port:
        (outcome,) = _send(port, _prepared(), security="starttls")
    assert outcome.status == "unsent"
    assert outcome.reason and "STARTTLS" in outcome.reason
    assert not inbox.got


# --- from the outbox --------------------------------------------------------------------------

_OUTCOMES = query("SELECT key, outcome FROM outbox ORDER BY key")


@contextmanager
def _outbox(count: int) -> Iterator[Engine]:
    content = Content(locale="en", subject="Hi", body="Hi {{ name }}", format="html")
    message = Message(
        name="m",
        channel="email",
        topic="t",
        sender="a@b.example",
        reply_to=None,
        fallback="en",
        locales=(content,),
        parameters=(),
        fields=("name",),
        place=Place(file="m.journey", line=1, column=1),
    )
    engine = open_engine(None, threads=1)
    prepare(engine)
    engine.append("content", {"hash": ["h"], "message": [message.model_dump_json()]})
    same = {"journey": "j", "step": "s", "channel": "email", "message": "m", "content": "h"}
    same |= {"outcome": "queued", "parameters": '{"name": "Ana"}'}
    columns: dict[str, Sequence[object]] = {name: [value] * count for name, value in same.items()}
    columns["passage"], columns["turn"] = [*range(count)], [0] * count
    columns["customer"] = [f"c{i}" for i in range(count)]
    columns["address"] = [f"c{i}@example.com" for i in range(count)]
    columns["created_at"] = [NOW] * count
    put(engine, columns)
    yield engine
    engine.close()


def test_busy_then_delivered() -> None:
    inbox = _Inbox()
    inbox.at_recipient = {"c1@example.com": ["451 busy"]}
    with _server(inbox) as port, _outbox(3) as engine:
        transports = {"email": open_transport(_settings(port))}
        assert delivery.drain(engine, transports, NOW).counts == {"delivered": 2, "queued": 1}
        assert delivery.drain(engine, transports, NOW).counts == {}
        due = delivery.next_due(engine)
        assert due is not None and due == NOW + timedelta(minutes=1)
        assert delivery.drain(engine, transports, due).counts == {"delivered": 1}
    assert len(inbox.got) == 3


@pytest.mark.parametrize(
    ("answer", "listed"),
    [
        ("550 5.1.1 no such user", ["c1@example.com"]),
        ("550 5.1.10 null MX", ["c1@example.com"]),
        ("553 5.1.3 bad address", ["c1@example.com"]),
        ("550 5.1.8 bad sender", []),
        ("550 5.7.1 looks like spam", []),
        ("450 4.1.1 try later", []),
    ],
)
@pytest.mark.parametrize("at_data", [False, True])
def test_an_address_that_the_server_does_not_know_is_a_hard_bounce(
    answer: str, listed: list[str], at_data: bool
) -> None:
    inbox = _Inbox()
    (inbox.at_data if at_data else inbox.at_recipient)["c1@example.com"] = [answer]
    with _server(inbox) as port, _outbox(3) as engine:
        delivery.drain(engine, {"email": open_transport(_settings(port))}, NOW)
        found = engine.rows(query("SELECT s.address, s.channel, s.reason FROM suppression AS s"))
    assert found == [(address, "email", "hard bounce") for address in listed]


@pytest.mark.slow
def test_a_server_that_is_down_leaves_all_queued_and_is_told_once() -> None:
    inbox = _Inbox()
    with _outbox(700) as engine:
        port = _free_port()
        report = delivery.drain(engine, {"email": open_transport(_settings(port))}, NOW)
        assert report.counts == {"queued": 500}
        assert f"{HOST}:{port} failed" in report.channel_errors["email"]
        with _server(inbox) as port:
            report = delivery.drain(engine, {"email": open_transport(_settings(port))}, NOW)
        assert report.counts == {"delivered": 700}
    assert len({address for address, _ in inbox.got}) == len(inbox.got) == 700


class _PowerCut(BaseException):
    pass


class _CutAfter:
    """The real transport, and then the power is gone before anything is written down."""

    is_idempotent = False

    def __init__(self, port: int) -> None:
        self._transport = open_transport(_settings(port))

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        self._transport.deliver(batch)
        raise _PowerCut

    def close(self) -> None:
        self._transport.close()


def test_a_crash_between_sending_and_writing_it_down_sends_nothing_twice() -> None:
    inbox = _Inbox()
    with _server(inbox) as port, _outbox(5) as engine:
        with pytest.raises(_PowerCut):
            delivery.drain(engine, {"email": _CutAfter(port)}, NOW, limit=2)
        transports = {"email": open_transport(_settings(port))}
        assert delivery.recover(engine, transports, NOW).uncertain == 2
        assert delivery.drain(engine, transports, NOW).counts == {"delivered": 3}
        outcomes = [outcome for _, outcome in engine.rows(_OUTCOMES)]
    assert outcomes == ["uncertain", "uncertain", "delivered", "delivered", "delivered"]
    assert len({address for address, _ in inbox.got}) == len(inbox.got) == 5
