"""A server that speaks HTTP/2 alone, without TLS. What it answers is up to the test (`provider_bed.Answering`)."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from tests.provider_bed import Answering

_Found = TypeVar("_Found", bound=Answering)


@contextmanager
def serving_http2(found: _Found) -> Iterator[_Found]:
    """Run a server that answers so."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.port = listening.getsockname()[1]
        lines: list[threading.Thread] = []
        accepting = threading.Thread(target=_accept, args=(listening, found, lines))
        accepting.start()
        try:
            yield found
        finally:
            # Wakes the thread, which closing alone would not.
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for line in lines:
                line.join()


def _accept(listening: socket.socket, found: Answering, lines: list[threading.Thread]) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        line = threading.Thread(target=_talk, args=(client, found))
        lines.append(line)
        line.start()


def _talk(client: socket.socket, found: Answering) -> None:
    with client:
        line = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        line.initiate_connection()
        client.sendall(line.data_to_send())
        asked: dict[int, tuple[dict[str, str], bytes]] = {}
        while data := _received(client):
            for event in line.receive_data(data):
                if isinstance(event, RequestReceived):
                    head = {str(name): str(value) for name, value in event.headers}
                    asked[event.stream_id] = (head, b"")
                elif isinstance(event, DataReceived):
                    headers, body = asked[event.stream_id]
                    asked[event.stream_id] = (headers, body + event.data)
                    line.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded) and not _answer(
                    line, event.stream_id, found, *asked.pop(event.stream_id)
                ):
                    return
            client.sendall(line.data_to_send())


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(65_536)
    except OSError:
        return b""


def _answer(
    line: H2Connection, stream: int, found: Answering, headers: dict[str, str], body: bytes
) -> bool:
    """Answer a request; tell whether the connection stays."""
    assert headers[":method"] == "POST"
    answer = found.answer(headers[":path"], headers, body)
    if answer is None:
        return False
    status, more, said = answer
    line.send_headers(stream, [(":status", str(status)), *more.items()])
    line.send_data(stream, json.dumps(said).encode() if said else b"", end_stream=True)
    return True
