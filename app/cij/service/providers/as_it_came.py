"""A report of a provider as it came, before anything of it is believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from cij.service.bodies import json_of
from cij.service.problems import Problem
from cij.service.providers.fetching import Fetch, fetched


@dataclass(frozen=True, slots=True)
class Report:
    """`url` is the public address that was called, with its query. Names of headers are in lower case.

    `secret` is that of the provider, empty where it signs nothing. `fetch` gets what is at an address outside.
    """

    body: bytes
    headers: Mapping[str, str]
    url: str
    secret: str
    fetch: Fetch = fetched

    def table(self) -> Mapping[str, Any]:
        """Return the body as a JSON object. Raises: Problem."""
        found = json_of(self.body)
        if not isinstance(found, dict):
            raise Problem(HTTPStatus.BAD_REQUEST, "a report is a JSON object")
        return found
