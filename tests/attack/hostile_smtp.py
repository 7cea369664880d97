"""A mail server that speaks as a test tells it, in threads of this process."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
# What a server says at one command; None means that it hangs up.
Answer = bytes | None


@dataclass
class HostileSmtp:
    """`sender`, `recipient` and `content` answer MAIL, RCPT and the content; `delay_s` is before each
    answer to content. `got` are the recipients whose content came in whole.
    """

    sender: Callable[[str], Answer] = lambda address: b"250 ok"
    recipient: Callable[[str], Answer] = lambda address: b"250 ok"
    content: Callable[[str], Answer] = lambda address: b"250 taken"
    delay_s: float = 0.0
    got: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    port: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        """Speak with one client."""
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            connection.sendall(b"220 hostile\r\n")
            address = ""
            for line in lines:
                word, text = line[:4].upper(), line.decode("latin-1").strip()
                if word == b"MAIL":
                    said = self.sender(_address(text))
                elif word == b"RCPT":
                    address = _address(text)
                    said = self.recipient(address)
                elif word == b"DATA":
                    connection.sendall(b"354 go on\r\n")
                    self._read(lines, address)
                    # An event wakes at once where the test is over.
                    self._closing.wait(self.delay_s)
                    said = self.content(address)
                elif word == b"QUIT":
                    said = b"221 bye"
                else:
                    said = b"250 ok"
                if said is None:
                    return
                connection.sendall(said + b"\r\n")

    def _read(self, lines: Iterator[bytes], address: str) -> None:
        for line in lines:
            if line.lower().startswith(b"message-id:"):
                self.ids.append(line.decode().partition(":")[2].strip())
            if line == b".\r\n":
                self.got.append(address)
                return

    def close(self) -> None:
        self._closing.set()


def _address(text: str) -> str:
    return text.partition("<")[2].partition(">")[0]


@contextmanager
def serving(server: HostileSmtp) -> Iterator[HostileSmtp]:
    """Run the server on a free port."""
    with socket.create_server((HOST, 0)) as listener:
        server.port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            server.close()
            # Closing does not wake a thread that accepts; a connection does.
            listener.shutdown(socket.SHUT_RDWR)


def eventually(holds: Callable[[], bool], what: str, longest_s: float = 10.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + longest_s
    while not holds():
        assert time.monotonic() < end, f"in {longest_s} seconds it was never true that {what}"
        time.sleep(0.01)
