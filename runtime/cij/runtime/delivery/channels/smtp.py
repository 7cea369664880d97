"""Email over SMTP: several connections at once, each message handed over exactly once or told so."""

import asyncio
import re
import ssl
import time
from collections.abc import Sequence

import aiosmtplib

from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.gradual_run import GradualRun
from cij.runtime.delivery.channels.smtp_settings import SmtpSettings
from cij.runtime.delivery.channels.transport import Outcome, Prepared, outcome_of
from cij.runtime.delivery.handover import Handover
from cij.runtime.errors import (
    DeliveryError,
    PermanentDelivery,
    SenderRefused,
    TransientDelivery,
)

_SERVICE_CLOSING = 421
# An enhanced status code about the address of the recipient (RFC 3463): as a hard bounce. Codes 5.1.7
# and 5.1.8 are about that of the sender. Other refusals, as by a filter, may pass.
_NO_SUCH_ADDRESS = re.compile(r"5\.1\.(?![78]\b)[0-9]{1,3}\b")


_ENHANCED = re.compile(r"5\.[0-9]{1,3}\.[0-9]{1,3}\b")
# How long nothing is asked about a sender that was refused.
_SENDER_PAUSE_S = 30.0


class SmtpTransport:
    """Not idempotent: a server that gets a message twice delivers it twice."""

    is_idempotent = False

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self.handover = Handover(settings.handover) if settings.handover is not None else None
        # Until one is delivered, only one at a time may become uncertain.
        self._is_in_doubt = False
        self._refused: dict[str, tuple[float, SenderRefused]] = {}

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Send the messages. When the server fails, the rest comes back as `unsent`."""
        return asyncio.run(self._deliver(Batch.of(batch))) if batch else []

    def close(self) -> None:
        """Connections last for one batch only."""
        if self.handover is not None:
            self.handover.close()

    async def _deliver(self, batch: Batch) -> list[Outcome]:
        run = GradualRun(batch, self.handover)
        most = 1 if self._is_in_doubt else self._settings.connections
        count = max(1, min(most, len(batch)))
        lines = [_Line(self._settings, self._refused) for _ in range(count)]
        # The first goes alone: a server that is down is asked once and not once a connection.
        try:
            await lines[0].connect()
        except DeliveryError as error:
            run.stopped = error
            return run.finished()
        await asyncio.gather(*(line.work(run) for line in lines))
        is_in_doubt = any(one.status == "uncertain" for one in run.outcomes)
        self._is_in_doubt = not run.has_delivered and (is_in_doubt or self._is_in_doubt)
        return run.finished()


class _Line:
    """One connection at a time to the server. `refused` are senders that it does not take."""

    def __init__(
        self, settings: SmtpSettings, refused: dict[str, tuple[float, SenderRefused]]
    ) -> None:
        self._settings = settings
        self._refused_senders = refused
        self._client = _client(settings)
        self._served = 0
        self._is_over = False

    async def work(self, run: GradualRun) -> None:
        """Send what waits until nothing does or the run is stopped."""
        try:
            while run.batch.waiting and run.stopped is None and not self._is_over:
                if not self._client.is_connected:
                    await self.connect()
                if (one := run.batch.next()) is not None:
                    await self._handle(one, run)
        except DeliveryError as error:
            # Many servers bound the number of connections: the other lines go on.
            run.lost = error
        finally:
            await self._quit()

    async def connect(self) -> None:
        """Connect, with TLS and login. Raises DeliveryError."""
        self._client.close()
        self._client = _client(self._settings)
        self._served = 0
        try:
            await self._client.connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # A server that is spoken to but does not do (no TLS, no login) leaves it open.
            self._client.close()
            raise self._down(error) from error

    async def _handle(self, one: Prepared, run: GradualRun) -> None:
        try:
            self._require_sender(one.sender)
            answer = await self._send(one, run)
        except DeliveryError as error:
            outcome = outcome_of(one.key, error)
            run.add(outcome)
            if isinstance(error, SenderRefused):
                self._refused_senders.setdefault(one.sender, (time.monotonic(), error))
            elif outcome.status == "unsent":
                run.stopped = run.stopped or error
            elif outcome.status == "uncertain":
                # One message may be the cause, so the other lines go on. A server that does this to
                # all of them ends all of them, with one in doubt each.
                self._is_over, run.lost = True, error
            return
        self._served += 1
        run.add(Outcome(one.key, "delivered", provider_id=answer))

    def _require_sender(self, sender: str) -> None:
        """Raise SenderRefused, without asking the server, where it has just refused the sender."""
        since, error = self._refused_senders.get(sender, (0.0, None))
        if error is None:
            return
        if time.monotonic() - since < _SENDER_PAUSE_S:
            raise error
        del self._refused_senders[sender]

    async def _send(self, one: Prepared, run: GradualRun) -> str:
        try:
            await self._envelope(one)
        except _Closed as closed:
            # Servers close a connection after some messages or seconds: nothing is lost by it.
            if not self._served:
                raise self._down(closed.cause) from closed
            await self.connect()
            await self._envelope_once(one)
        await run.take(one)
        return await self._content(one)

    async def _envelope_once(self, one: Prepared) -> None:
        try:
            await self._envelope(one)
        except _Closed as closed:
            raise self._down(closed.cause) from closed

    async def _envelope(self, one: Prepared) -> None:
        try:
            self._require_in_step()
            await self._client.mail(one.sender, encoding="ascii")
            self._require_in_step()
            await self._client.rcpt(one.address, encoding="ascii")
            self._require_in_step()
        except aiosmtplib.SMTPServerDisconnected as error:
            raise _Closed(error) from error
        except aiosmtplib.SMTPResponseException as error:
            if error.code == _SERVICE_CLOSING:
                raise _Closed(error) from error
            await self._reset()
            raise self._refused(one, error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._down(error) from error

    def _require_in_step(self) -> None:
        """Hang up where the server has said more than it was asked.

        The next answer would be taken for that to another message.
        """
        if getattr(self._client.protocol, "_buffer", b""):
            self._client.close()
            raise aiosmtplib.SMTPServerDisconnected("it answers more often than it is asked")

    async def _content(self, one: Prepared) -> str:
        try:
            return (await self._client.data(one.content)).message
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            if isinstance(error, aiosmtplib.SMTPResponseException) and 400 <= error.code < 600:
                await self._reset()
                raise self._refused(one, error) from error
            # It had the message and did not say what it did with it. What it says next would be
            # taken for the answer to something else, so this connection is over.
            self._client.close()
            message = f"{self._place} did not confirm the message: {_why(error)}"
            raise TransientDelivery(message, may_have_arrived=True) from error

    def _refused(self, one: Prepared, error: aiosmtplib.SMTPResponseException) -> DeliveryError:
        answer = f"{error.code} {' '.join(error.message.split())}"
        if error.code < 500:
            return TransientDelivery(f"{self._place} asks to try later: {answer}")
        if isinstance(error, aiosmtplib.SMTPSenderRefused):
            # It is no fault of this message, and messages of other senders may go.
            return SenderRefused(f"{self._place} refuses the sender {one.sender}: {answer}")
        is_bounce = bool(_NO_SUCH_ADDRESS.match(error.message.strip()))
        found = _ENHANCED.match(error.message.strip())
        code = f"{error.code} {found.group()}" if found else str(error.code)
        return PermanentDelivery(
            f"{self._place} refuses it: {answer}", is_bounce=is_bounce, code=code
        )

    def _down(self, error: BaseException) -> DeliveryError:
        return DeliveryError(f"the mail server {self._place} failed: {_why(error)}")

    @property
    def _place(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    async def _reset(self) -> None:
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()

    async def _quit(self) -> None:
        try:
            if self._client.is_connected:
                await self._client.quit()
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()


class _Closed(Exception):
    """The server closed the connection before it got the message."""

    def __init__(self, cause: aiosmtplib.SMTPException) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _client(settings: SmtpSettings) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password,
        timeout=settings.timeout_s,
        use_tls=settings.security == "implicit",
        start_tls=settings.security == "starttls",
        cert_bundle=settings.ca_file,
        local_hostname=settings.client_name,
    )


def _why(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"it does not accept the user name or password ({error.code})"
    if isinstance(error.__cause__, ssl.SSLError) or isinstance(error, ssl.SSLError):
        return f"no secure connection: {error.__cause__ or error}"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {' '.join(error.message.split())}"
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__
