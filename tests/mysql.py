"""A MySQL or MariaDB server for tests: private, in a temporary folder, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

PASSWORD = "tell nobody/@"
_START_S = 60.0
_OPTIONS = (
    "--skip-networking",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=8M",
    "--sql-mode=NO_ENGINE_SUBSTITUTION",
    "--default-time-zone=+05:00",
)


@dataclass(frozen=True)
class MysqlServer:
    """`address` is that of the database `shop`, for somebody who may write in it."""

    connection: Any
    address: str

    def run(self, *texts: str) -> None:
        """Run statements of a test, and commit."""
        with self.connection.cursor() as cursor:
            for text in texts:
                cursor.execute(text)
        self.connection.commit()


@contextmanager
def mysql_server() -> Iterator[MysqlServer]:
    """Start a server, or skip the test and say why."""
    pytest.importorskip("pymysql", reason="pymysql is not installed")
    install, daemon = _program("mariadb-install-db"), _program("mariadbd")
    if install is None or daemon is None:
        pytest.skip("MariaDB is not installed: no `mariadb-install-db`, no `mariadbd`")
    folder = Path(tempfile.mkdtemp(prefix="cij-my-"))
    try:
        yield from _served(folder, install, daemon)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _served(folder: Path, install: str, daemon: str) -> Iterator[MysqlServer]:
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    data = ["--no-defaults", f"--datadir={folder}/data", *as_root]
    quiet = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    made = subprocess.run([install, *data, *quiet], capture_output=True, text=True, check=False)
    assert made.returncode == 0, f"mariadb-install-db failed: {made.stdout}{made.stderr}"
    socket = folder / "sock"
    own = [f"--socket={socket}", f"--pid-file={folder}/pid", f"--log-error={folder}/log"]
    process = subprocess.Popen([daemon, *data, *own, *_OPTIONS], stderr=subprocess.DEVNULL)
    try:
        connection = _connected(socket, process, folder / "log")
        server = MysqlServer(
            connection, f"mysql://cij:{quote(PASSWORD, safe='')}@localhost/shop?socket={socket}"
        )
        server.run(
            "CREATE DATABASE shop CHARACTER SET utf8mb4",
            f"CREATE USER cij@localhost IDENTIFIED BY '{PASSWORD}'",
            "GRANT ALL ON shop.* TO cij@localhost",
            "USE shop",
        )
        yield server
        connection.close()
    finally:
        process.kill()
        process.wait()


def _connected(socket: Path, process: "subprocess.Popen[bytes]", log: Path) -> Any:
    import pymysql

    end = time.monotonic() + _START_S
    while not socket.exists():
        _require_up(process, end, log)
    while True:
        try:
            return pymysql.connect(unix_socket=str(socket), user="root", charset="utf8mb4")
        except pymysql.OperationalError:
            _require_up(process, end, log)


def _require_up(process: "subprocess.Popen[bytes]", end: float, log: Path) -> None:
    is_over = process.poll() is not None or time.monotonic() > end
    assert not is_over, f"MariaDB does not start: {log.read_text(errors='replace')}"
    time.sleep(0.02)
