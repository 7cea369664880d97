"""Writes a file as the one comment of cij on a pull request, and updates it in place.

    python3 comment.py github|gitlab FILE

It needs no packages. The comment is found by the marker in its first line. Where the token may not write, as in
pull requests from forks, it says so and ends with 0: the review itself is not at fault.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

MARKER = "<!-- cij-diff -->"
_PAGE = 100
_PAGES_MAX = 30
_REFUSED = (401, 403, 404)


class Forge(NamedTuple):
    """Where the comments of a pull request are; one comment is below `one`."""

    comments: str
    one: str
    headers: Mapping[str, str]
    update: str


def github(environment: Mapping[str, str]) -> Forge:
    api = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}/issues"
    headers = {"Authorization": f"Bearer {environment['GITHUB_TOKEN']}"}
    comments = f"{api}/{int(environment['PULL_REQUEST'])}/comments"
    return Forge(comments, f"{api}/comments", headers, "PATCH")


def gitlab(environment: Mapping[str, str]) -> Forge:
    api = f"{environment['CI_API_V4_URL']}/projects/{environment['CI_PROJECT_ID']}"
    comments = f"{api}/merge_requests/{int(environment['CI_MERGE_REQUEST_IID'])}/notes"
    return Forge(comments, comments, {"PRIVATE-TOKEN": environment["CIJ_TOKEN"]}, "PUT")


FORGES = {"github": github, "gitlab": gitlab}


def call(forge: Forge, method: str, url: str, body: Mapping[str, str] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    headers = {**forge.headers, "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def own_comment(forge: Forge) -> int | None:
    """Return the number of the comment that an earlier run has written."""
    for page in range(1, _PAGES_MAX + 1):
        found = call(forge, "GET", f"{forge.comments}?per_page={_PAGE}&page={page}")
        for comment in found:
            if comment["body"].startswith(MARKER):
                return int(comment["id"])
        if len(found) < _PAGE:
            break
    return None


def write(forge: Forge, text: str) -> str:
    number = own_comment(forge)
    if number is None:
        call(forge, "POST", forge.comments, {"body": text})
        return "written"
    call(forge, forge.update, f"{forge.one}/{number}", {"body": text})
    return "updated"


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in FORGES:
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[1], encoding="utf-8") as file:
        text = file.read()
    try:
        print(f"comment {write(FORGES[arguments[0]](os.environ), text)}")
    except urllib.error.HTTPError as error:
        if error.code not in _REFUSED:
            raise
        print(f"the comment was not written: the token may not do that (HTTP {error.code})")
    except KeyError as error:
        print(f"the comment was not written: the variable {error} is not set")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
