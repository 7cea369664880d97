"""`approvals.toml`: approvals as signed entries, beside those that are trailers of commits.

    [[approval]] who, rule, base, program, signature --ssh-keygen, allowed signers--> who has approved what

An entry is about one change: from the program with the hash `base` to that with the hash `program`. After one
more change of the branch, or of the base, it does not count.
"""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cij.app.ssh_signatures import verdict
from cij.compiler.review.review_report import Report
from cij.runtime.errors import ConfigError

FILE = "approvals.toml"
NO_PROGRAM = "none"
# Each entry costs a process, so a file from elsewhere may not have any number of them.
_ENTRIES_MAX = 1000


class ChangeHashes(NamedTuple):
    """The programs before and after a change, as full hashes; `none` for a base that has no program."""

    base: str
    program: str


class Entry(BaseModel):
    """One entry. `rule` is the group that a rule of `[review]` needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: str = Field(pattern=r"^[^\s\"*?!,-][^\s\"*?!,]*$", max_length=320)
    rule: str = Field(min_length=1, max_length=200)
    base: str = Field(pattern=r"^([0-9a-f]{64}|none)$")
    program: str = Field(pattern=r"^[0-9a-f]{64}$")
    signature: str = Field(max_length=20_000)

    @property
    def change(self) -> ChangeHashes:
        return ChangeHashes(self.base, self.program)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    approval: tuple[Entry, ...] = Field(default=(), max_length=_ENTRIES_MAX)


@dataclass(frozen=True, slots=True)
class Signed:
    """The entries of a file, and the text of the allowed signers."""

    entries: Sequence[Entry] = ()
    signers: str = ""


def change_of(report: Report) -> ChangeHashes:
    """Return what an approval of a comparison is about."""
    return ChangeHashes(report.base.hash or NO_PROGRAM, report.head.hash or NO_PROGRAM)


def signed_text(who: str, rule: str, change: ChangeHashes) -> str:
    """Return the text that is signed. It has all of an entry, so no part can be exchanged."""
    fields = {"who": who, "rule": rule, "base": change.base, "program": change.program}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def entries_of(text: str) -> tuple[Entry, ...]:
    """Read a file of approvals. Raises: ConfigError."""
    try:
        return _File.model_validate(tomllib.loads(text)).approval
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{FILE}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{FILE}: {place}: {first['msg']}") from error


def entry_text(entry: Entry) -> str:
    """Return an entry as it is written into the file."""
    fields = [("who", entry.who), ("rule", entry.rule), *entry.change._asdict().items()]
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields]
    return "\n".join(
        ["[[approval]]", *lines, f'signature = """\n{entry.signature.strip()}\n"""', ""]
    )


def signer(
    group: str, approvers: Sequence[str], change: ChangeHashes, signed: Signed, notes: list[str]
) -> str | None:
    """Return who has approved a change for a group by an entry. `notes` get why others do not count.

    Raises: ConfigError without ssh-keygen.
    """
    known = {address.casefold() for address in approvers}
    for entry in signed.entries:
        if entry.rule != group:
            continue
        fault = _fault(entry, known, change, signed.signers)
        if fault is None:
            return entry.who
        notes.append(f"{FILE}: the approval of {entry.who} for {group} does not count: {fault}")
    return None


def _fault(entry: Entry, known: set[str], change: ChangeHashes, signers: str) -> str | None:
    if entry.change != change:
        return "it is of another state of the change"
    if entry.who.casefold() not in known:
        return "they are not in the group in [review.approvers]"
    found = verdict(
        signed_text(entry.who, entry.rule, entry.change), entry.signature, entry.who, signers
    )
    return {
        "good": None,
        "unknown signer": "the allowed signers have no such key for them",
        "altered": "the entry or its signature was altered",
    }[found]
