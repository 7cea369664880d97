"""What `cij diff` says to a reviewer: one branch of a repository per kind of change, each a golden file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cij.app.comparison import diff
from cij.cli.render.review_markdown import render_review_markdown
from tests.review_cases import CASES, branch, repository

Golden = Callable[[Path | str, str], None]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("shop"))
    for case in CASES:
        branch(folder, case)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_a_comment_answers_what_a_reviewer_asks(case: str, shop: Path, golden: Golden) -> None:
    report = diff(shop, "main", case)
    golden(f"review/comments/{case}.md", render_review_markdown(report))
    for change in report.changes:
        assert change.effect and change.who, change.address
        assert change.inside or change.change_class == "none" or change.action == "added"
