"""`cij diff --gate`: which approvals a change needs by `[review]` of cij.toml, and which it has.

An approval is a commit of the branch with the trailer `Cij-Approved: GROUP HASH`, by an author whom the rules
name. HASH is the hash of the compiled program: after one more change another approval is needed. The rules are
those of the base, so that a branch cannot pass by changing them.
"""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from cij.app import git
from cij.app.compared_sides import Sides
from cij.app.config import ReviewRule, ReviewTable
from cij.app.request_error import RequestError
from cij.compiler.review.review_report import Change, Report, Requirement

TRAILER = "Cij-Approved"
_APPROVED = re.compile(rf"^{TRAILER}: *(?P<group>\S+) +(?P<hash>[0-9a-f]{{8,64}}) *$", re.MULTILINE)
_HASH_CHARS = 12


def gated(report: Report, found: Sides) -> Report:
    """Return the report with the approvals that it needs.

    Raises: RequestError where there are rules and the base is no commit: approvals are commits.
    """
    rules = _rules(found)
    needed = tuple(_requirements(report, rules, found)) if rules.rules else ()
    notes = report.notes
    if found.base.settings.review != found.head.settings.review:
        notes = (*notes, "cij.toml: the rules of [review] change; those of the base count here")
    return report.model_copy(update={"approvals": needed, "notes": notes})


def _rules(found: Sides) -> ReviewTable:
    """Return the rules that count. A project that has none yet takes those of the change."""
    base = found.base.settings.review
    return base if base.rules else found.head.settings.review


def _requirements(report: Report, table: ReviewTable, found: Sides) -> Iterator[Requirement]:
    by_group: dict[str, dict[str, None]] = {}
    for rule in table.rules:
        for change in report.changes:
            if _falls_under(change, rule):
                by_group.setdefault(rule.needs, {})[change.address] = None
    if not by_group:
        return
    program = (report.head.hash or "")[:_HASH_CHARS]
    commits = _commits(found)
    for group, addresses in by_group.items():
        approvers = table.approvers[group]
        yield Requirement(
            needs=group,
            changes=tuple(addresses),
            program=program,
            approvers=approvers,
            approved_by=_approver(group, report.head.hash or "", approvers, commits, table),
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
