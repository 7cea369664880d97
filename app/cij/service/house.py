"""What the handlers of one service share."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.requests import Request

from cij.app.service_table import ServiceTable
from cij.app.signed_links import Links
from cij.compiler.program import Program
from cij.runtime.calls import Calls
from cij.runtime.held_clicks import HeldClicks
from cij.runtime.intake_log import IntakeLog
from cij.service.access import Access
from cij.service.measuring import Measures
from cij.service.providers.fetching import Fetch, fetched

_log = logging.getLogger("cij.service")


@dataclass(slots=True)
class House:
    """`program` is that of the newest deployment. `is_stepping` is True after the first step."""

    root: Path
    settings: ServiceTable
    program: Callable[[], Program]
    now: Callable[[], datetime]
    log: IntakeLog
    held: HeldClicks
    calls: Calls
    access: Access
    links: Links
    measures: Measures
    secrets: Mapping[str, str] = field(default_factory=dict)
    fetch: Fetch = fetched
    is_stepping: bool = False
    is_stopping: bool = False
    disk_fault: str | None = None

    @property
    def why_not_ready(self) -> str | None:
        """Say why the service cannot do its work; None where it can."""
        if self.is_stopping:
            return "the service is about to end"
        if not self.is_stepping:
            return "the first step goes on"
        return self.disk_fault

    def note_disk(self, error: Exception | None) -> None:
        """Note whether events could be written, and log a change of that."""
        if error is not None and self.disk_fault is None:
            _log.error("events cannot be written: %s", error)
        if error is None and self.disk_fault is not None:
            _log.info("events can be written again")
        self.disk_fault = None if error is None else "events cannot be written to the disk"


def house_of(request: Request) -> House:
    """Return the house in which a request is handled."""
    found = request.app.state.house
    assert isinstance(found, House), "the application was made without a house"
    return found
