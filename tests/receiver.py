"""A receiver of webhooks in this process, and calls to it."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cij.runtime.delivery.channels import (
    ActionTransport,
    Prepared,
    WebhookSettings,
    open_transport,
)
from tests.calling import NOW

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
HOST = "127.0.0.1"


@dataclass
class Receiver:
    """What the server got, and how it answers: a status, headers and a body for each call."""

    port: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    always: tuple[int, dict[str, str], bytes] = (204, {}, b"")
    before: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/hooks/very-secret?token=hidden"

    @property
    def keys(self) -> list[str]:
        return [json.loads(body)["data"]["key"] for _, body in self.got]


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests hang up; that is no error to print."""


@contextmanager
def serving(receiver: Receiver, port: int = 0) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            receiver.before()
            code, headers, answer = receiver.answers.pop(0) if receiver.answers else receiver.always
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = _Quiet((HOST, port), Handler)
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def way(url: str, **settings: Any) -> ActionTransport:
    settings = {"timeout_s": 5.0, **settings}
    return ActionTransport(open_transport(WebhookSettings(url, SECRET, **settings)), {})


def prepared(number: int = 1, action: str = "create_task") -> Prepared:
    content = json.dumps({"type": action, "data": {"key": f"j:{number}:s:0"}}).encode()
    return Prepared(f"j:{number}:s:0", "action", action, "", NOW, content)
