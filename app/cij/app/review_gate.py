"""`cij diff --gate`: which approvals a change needs by `[review]` of cij.toml, and which it has.

An approval is a commit of the branch with the trailer `Cij-Approved: GROUP HASH`, by an author whom the rules
name, or a signed entry of `approvals.toml`. HASH is the hash of the compiled program: after one more change another
approval is needed. The rules and the allowed signers are those of the base, so that a branch cannot pass by
changing them.
"""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from cij.app import git
from cij.app.compared_files import ProjectTexts
from cij.app.compared_sides import Sides
from cij.app.config import ReviewRule, ReviewTable
from cij.app.request_error import RequestError
from cij.app.signed_approvals import FILE, Signed, change_of, entries_of, signer
from cij.compiler.review.review_report import Change, Report, Requirement
from cij.runtime.errors import ConfigError

TRAILER = "Cij-Approved"
_APPROVED = re.compile(rf"^{TRAILER}: *(?P<group>\S+) +(?P<hash>[0-9a-f]{{8,64}}) *$", re.MULTILINE)
_HASH_CHARS = 12


def gated(report: Report, found: Sides) -> Report:
    """Return the report with the approvals that it needs.

    Raises: RequestError where there are rules and the base is no commit: approvals are commits.
    """
    rules = rules_of(found)
    refused: list[str] = []
    needed = tuple(_requirements(report, rules, found, refused)) if rules.rules else ()
    missing = any(each.approved_by is None for each in needed)
    notes = (*report.notes, *refused) if missing else report.notes
    if found.base.settings.review != found.head.settings.review:
        notes = (*notes, "cij.toml: the rules of [review] change; those of the base count here")
    return report.model_copy(update={"approvals": needed, "notes": notes})


def rules_of(found: Sides) -> ReviewTable:
    """Return the rules that count. A project that has none yet takes those of the change."""
    return _ruling(found).settings.review


def _ruling(found: Sides) -> ProjectTexts:
    return found.base if found.base.settings.review.rules else found.head


def _signed(found: Sides) -> Signed:
    """Return the signed entries of the newer side, with the signers of the side whose rules count.

    Raises: ConfigError where a file is damaged, or the signers are not there.
    """
    name = rules_of(found).allowed_signers
    text = found.head.read([FILE]).get(FILE) if name is not None else None
    if name is None or text is None:
        return Signed()
    signers = _ruling(found).read([name]).get(name)
    if signers is None:
        raise ConfigError(
            f"cij.toml: `allowed_signers` names {name}, which is not in {_ruling(found).label}"
        )
    return Signed(entries_of(text), signers)


def _requirements(
    report: Report, table: ReviewTable, found: Sides, refused: list[str]
) -> Iterator[Requirement]:
    by_group: dict[str, dict[str, None]] = {}
    for rule in table.rules:
        for change in report.changes:
            if _falls_under(change, rule):
                by_group.setdefault(rule.needs, {})[change.address] = None
    if not by_group:
        return
    program = (report.head.hash or "")[:_HASH_CHARS]
    commits, signed = _commits(found), _signed(found)
    for group, addresses in by_group.items():
        approvers = table.approvers[group]
        yield Requirement(
            needs=group,
            changes=tuple(addresses),
            program=program,
            approvers=approvers,
            approved_by=_approver(group, report.head.hash or "", approvers, commits, table)
            or signer(group, approvers, change_of(report), signed, refused),
        )


def _falls_under(change: Change, rule: ReviewRule) -> bool:
    file = change.place.file if change.place is not None else ""
    return (
        (not rule.classes or change.change_class in rule.classes)
        and (not rule.addresses or _fits(change.address, rule.addresses))
        and (not rule.files or _fits(file, rule.files))
    )


def _fits(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _commits(found: Sides) -> list[git.Commit]:
    if found.repository is None or found.base.commit is None:
        if rules_of(found).allowed_signers is not None:
            return []
        raise RequestError(
            "--gate needs a revision as BASE: approvals are commits between BASE and HEAD"
        )
    head = found.head.commit or git.commit_of(found.repository, "HEAD")
    return git.commits_between(found.repository, found.base.commit, head) if head else []


def _approver(
    group: str,
    program: str,
    approvers: Sequence[str],
    commits: Sequence[git.Commit],
    table: ReviewTable,
) -> str | None:
    """Return the address of a person who has approved this program for a group; None without an approval."""
    known = {address.casefold() for address in approvers}
    for commit in commits:
        is_known = commit.email.casefold() in known and (commit.is_signed or not table.signed)
        for match in _APPROVED.finditer(commit.message) if is_known else ():
            if match["group"] == group and program.startswith(match["hash"]):
                return commit.email
    return None
