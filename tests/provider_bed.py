"""A server to which messages go by HTTP, and messages for it. What it answers is up to the test."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, TypeVar

from cij.runtime.delivery.channels import Prepared
from cij.runtime.delivery.mail import Email, build

AT = datetime(2026, 3, 2, 9)
# A status, headers and a body.
Answer = tuple[int, dict[str, str], Any]
# What to do with a recipient of text messages, by the end of the number.
NUMBERS = {f"60000000{n}": who for n, who in enumerate(
    ("ana", "bad", "sender", "throttled", "outage", "key", "gone", "broken", "later"))}  # fmt: skip


class Answering(Protocol):
    """`answer` returns what to say; None to hang up after the message was taken."""

    port: int

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer | None: ...


_Found = TypeVar("_Found", bound=Answering)


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is no error to print."""


@contextmanager
def serving(found: _Found) -> Iterator[_Found]:
    """Run a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = found.answer(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            if answer is None:
                self.close_connection = True
                return
            status, headers, said = answer
            data = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            for header, value in {**headers, "content-length": str(len(data))}.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = _Quiet(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def message(name: str, who: str, n: int = 0) -> Prepared:
    """Return a message to somebody with whom the server does what their name says."""
    key = f"welcome:{n}:mail:0"
    if name in ("twilio", "vonage"):
        number = next((end for end, known in NUMBERS.items() if known == who), "600000009")
        return Prepared(
            key, "sms", f"+34{number}", "", AT, b"", key, text="Hi ñ & 1+1", customer="c1"
        )
    email = Email(
        key, "The Shop <news@shop.example>", f"{who}@example.com", "Grüße", "Hi", "<p>Hi</p>", "es", AT,
        "welcome", "mail", reply_to="help@shop.example", unsubscribe="https://shop.example/u?a=1",
    )  # fmt: skip
    to = f"{who}@example.com"
    return Prepared(
        key, "email", to, "news@shop.example", AT, build(email), key, mail=email, customer="c1"
    )
