"""Messages as files: `<folder>/<channel>/<day>/<hash of the key>`, with the ending of the channel."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cij.compiler.channels import CHANNELS
from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.transport import Outcome, Prepared, outcome_of
from cij.runtime.errors import ConfigError, DeliveryError
from cij.runtime.private_files import make_inside, open_private, write_all


@dataclass(frozen=True)
class FileSettings:
    """`fsync` makes each file survive a loss of power, at the price of speed."""

    folder: Path
    fsync: bool = False


class FileTransport:
    """One file a message. The same key is the same file, so writing again changes nothing."""

    is_idempotent = True

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings
        self._made: set[Path] = set()

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Write the messages. The first that cannot be written ends it."""
        outcomes: list[Outcome] = []
        work = Batch.of(batch)
        for one in work.each():
            try:
                outcomes.append(Outcome(one.key, "delivered", provider_id=self._write(one)))
            except DeliveryError as error:
                return outcomes + [outcome_of(x.key, error) for x in (one, *work.rest())]
        return outcomes

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, one: Prepared) -> str:
        name = path_of(one.channel, one.key, one.created_at)
        path = self._settings.folder / name
        # A fixed name: what a crash left half written is written over, not left behind.
        unfinished = path.with_suffix(".tmp")
        try:
            self._make(path.parent)
            if not path.exists():
                _write_synced(unfinished, one.content, self._settings.fsync)
                os.replace(unfinished, path)
        except ConfigError as error:
            raise DeliveryError(f"cannot write messages: {error}") from error
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise DeliveryError(_message(self._settings.folder, error)) from error
        return name

    def _make(self, folder: Path) -> None:
        if folder not in self._made:
            make_inside(self._settings.folder, folder)
            self._made.add(folder)


def path_of(channel: str, key: str, created_at: datetime) -> str:
    """Return the path of the file of a message below the folder, with slashes."""
    # The call of an action is no message of a channel.
    row = CHANNELS.get(channel)
    suffix = row.file_suffix if row is not None else "txt"
    name = sha256(key.encode()).hexdigest()[:32]
    return f"{channel}/{created_at:%Y-%m-%d}/{name}.{suffix}"


def _write_synced(path: Path, content: bytes, fsync: bool) -> None:
    with open_private(path) as file:
        write_all(file.fileno(), content)
        if fsync:
            os.fsync(file.fileno())


def _message(folder: Path, error: OSError) -> str:
    why = error.strerror or type(error).__name__
    return f"cannot write messages into {folder}: {why}; free some space or grant access, then run again"
