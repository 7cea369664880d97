"""The server beside a run: one thread for HTTP, and the run in its own.

requests --> log of events ------> inbox ---> steps
         --> questions --between two steps--> answers
"""

import logging
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import uvicorn

from cij.app.local_service import announced
from cij.app.running import Run
from cij.app.service_keys import Key, hash_of
from cij.app.service_table import split_address
from cij.app.signed_links import Links
from cij.runtime.calls import Calls
from cij.runtime.clock import LiveClock
from cij.runtime.errors import ConfigError
from cij.runtime.held_clicks import HeldClicks
from cij.runtime.intake_log import IntakeLog
from cij.runtime.runner import StepReport
from cij.runtime.wakeable_stop import WakeableStop
from cij.service.access import Access, Keyring, Limiter, guesses, repeats, visits
from cij.service.application import application
from cij.service.house import House
from cij.service.measuring import Measures
from cij.service.providers import require_usable

_log = logging.getLogger("cij.service")
# With what the run needs to end, less than the ten seconds after which systems kill a process.
_FINISH_S = 5
# Events that come so soon after each other share a step.
_GATHER_S = 0.1
_CONNECTIONS_MAX = 500
_EPOCH = datetime(1970, 1, 1)


@dataclass(slots=True)
class Service:
    """A service that runs. The run calls `between` and `after_step`."""

    url: str
    house: House
    run: Run
    stopped: WakeableStop
    is_arrived: threading.Event = field(default_factory=threading.Event)

    def between(self, now: datetime) -> bool:
        """Answer questions and hand events over, between two steps. Tell whether a step is needed."""
        is_changed = self.house.calls.do_all(self.run.runner.world, now)
        if not self.is_arrived.is_set():
            return is_changed
        self.stopped.pause(_GATHER_S)
        self.is_arrived.clear()
        self.house.log.hand_over()
        return True

    def after_step(self, made: StepReport, now: datetime) -> None:
        """Count what a step did."""
        self.house.is_stepping = True
        self.house.measures.count_step(made, (now - _EPOCH).total_seconds())


@contextmanager
def serving(run: Run, address: str | None, stopped: WakeableStop) -> Iterator[Service]:
    """Take requests until the block ends; then those that are under way are answered.

    `address` takes the place of `listen` in cij.toml. Raises: ConfigError where it cannot be used.
    """
    settings = run.project.settings.service
    # Before anything is opened: a variable may not be set.
    signed = settings.callbacks.secrets()
    require_usable(signed)
    with closing(_listening(address or settings.listen)) as listening:
        token = secrets.token_urlsafe(32)
        service = _service(run, _url(listening), token, stopped)
        service.house.secrets = signed
        with _served_at(service, listening, token):
            yield service


@contextmanager
def _served_at(service: Service, listening: socket.socket, token: str) -> Iterator[None]:
    stopped, root = service.stopped, service.run.project.root
    server = uvicorn.Server(_config(service))
    thread = threading.Thread(
        target=_served, args=(server, listening, stopped), name="cij-http", daemon=True
    )
    try:
        with announced(root, service.url, token):
            thread.start()
            yield
    finally:
        _end(service, server, thread)


def _end(service: Service, server: uvicorn.Server, thread: threading.Thread) -> None:
    service.house.is_stopping = True
    service.house.calls.close()
    server.should_exit = True
    if thread.ident is not None:
        thread.join(_FINISH_S + 2)
    service.house.held.close()
    service.house.log.close()


def _service(run: Run, url: str, token: str, stopped: WakeableStop) -> Service:
    clock, settings, root = LiveClock(), run.project.settings.service, run.project.root
    arrived = threading.Event()

    def on_synced() -> None:
        arrived.set()
        stopped.wake()

    per_s = settings.per_key_per_second
    own = Key("this machine", "admin", hash_of(token), clock.now())
    access = Access(
        Keyring(root, clock.now, own),
        Limiter(per_s, max(2 * per_s, 1.0), time.monotonic),
        guesses(time.monotonic),
        visits(time.monotonic),
        repeats(time.monotonic),
    )
    house = House(
        root=root,
        settings=settings,
        program=lambda: run.runner.world.program,
        now=clock.now,
        log=IntakeLog(root, on_synced),
        held=HeldClicks(root, clock.now, on_synced),
        calls=Calls(stopped.wake),
        access=access,
        links=Links(root),
        measures=Measures(),
    )
    return Service(url, house, run, stopped, arrived)


def _config(service: Service) -> uvicorn.Config:
    proxies = list(service.house.settings.trusted_proxies)
    return uvicorn.Config(
        application(service.house),
        # What comes from anybody else says nothing about the client.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_graceful_shutdown=_FINISH_S,
    )


def _served(server: uvicorn.Server, listening: socket.socket, stopped: WakeableStop) -> None:
    try:
        server.run(sockets=[listening])
    except Exception:  # noqa: BLE001 - the run ends with it: it must not look as if it served
        _log.error("the service ended", exc_info=True)
    stopped.set()


def _listening(address: str) -> socket.socket:
    try:
        host, port = split_address(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"cannot listen on {address}: {error.strerror or error}") from error


def _url(listening: socket.socket) -> str:
    found, port = listening.getsockname()[:2]
    # Every address of this machine has this one.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(found) or str(found)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
