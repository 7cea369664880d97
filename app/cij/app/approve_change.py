"""`cij approve`: signs an approval of a change and adds it to `approvals.toml`."""

from pathlib import Path

from cij.app import git
from cij.app.atomic_write import write_atomically
from cij.app.compared_sides import sides
from cij.app.comparison import compared
from cij.app.config import ReviewTable
from cij.app.request_error import RequestError
from cij.app.review_gate import rules_of
from cij.app.signed_approvals import (
    FILE,
    Entry,
    change_of,
    entries_of,
    entry_text,
    signed_text,
)
from cij.app.ssh_signatures import sign
from cij.compiler.naming import did_you_mean
from cij.runtime.errors import ConfigError


def approve(path: Path, group: str, base: str, head: str | None, key: Path, who: str) -> Entry:
    """Approve the change between two versions for a group. An empty `who` is the address that git has.

    Raises: RequestError for a group or a person that the rules do not name; ConfigError; InvalidProject.
    """
    found = sides(path, base, head)
    who = who or git.own_address(found.root)
    _require(group, who, rules_of(found))
    change = change_of(compared(found))
    file = found.root / FILE
    known = _text(file)
    entries_of(known)
    text = entry_text(_entry(who, group, change, sign(signed_text(who, group, change), key)))
    whole = f"{known.rstrip()}\n\n{text}" if known.strip() else text
    write_atomically(file, whole, found.root)
    return entries_of(whole)[-1]


def _entry(who: str, group: str, change: tuple[str, str], signature: str) -> Entry:
    try:
        return Entry(who=who, rule=group, base=change[0], program=change[1], signature=signature)
    except ValueError as error:
        raise RequestError(f"`{who}` is no address that can sign an approval") from error


def _require(group: str, who: str, rules: ReviewTable) -> None:
    if rules.allowed_signers is None:
        raise RequestError("signed approvals need `allowed_signers` in [review] of cij.toml")
    if group not in rules.approvers:
        hint = did_you_mean(group, rules.approvers) or "see [review.approvers] in cij.toml"
        raise RequestError(f"there is no group `{group}`; {hint}")
    if who.casefold() not in {address.casefold() for address in rules.approvers[group]}:
        raise RequestError(f"`{who}` is not in the group `{group}` in [review.approvers]")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {FILE}: {error}") from error
