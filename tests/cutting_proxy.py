"""A way to a PostgreSQL server that can be cut, as the network of one machine is."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = ".s.PGSQL.5432"


class CuttingProxy:
    """Hands on what comes to the socket in `folder`, until `cut`."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder, self._server = folder, server
        self._listens = socket.socket(socket.AF_UNIX)
        self._listens.bind(str(folder / _NAME))
        self._listens.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, and take no new one."""
        (self.folder / _NAME).unlink(missing_ok=True)
        for each in (self._listens, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listens.accept()
                there = socket.socket(socket.AF_UNIX)
                there.connect(str(self._server / _NAME))
                self._open += (here, there)
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=_hand_on, args=pair, daemon=True).start()


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65536):
            target.sendall(content)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(folder: Path, server: Path) -> Iterator[CuttingProxy]:
    """Open a way to the server whose socket is in the folder `server`."""
    folder.mkdir()
    proxy = CuttingProxy(folder, server)
    try:
        yield proxy
    finally:
        proxy.cut()
