"""What is checked before a message leaves: its template by `check`, the rules of policies by each run."""

from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.calling import MAIL, MAIL_TOML, journey, project
from tests.conftest import Cij


def test_rules_are_checked_where_nobody_has_moved(cij: Cij, tmp_path: Path) -> None:
    calm = "policy calm { quiet 21:00..08:00  never send when points > 5 }\n"
    folder = project(tmp_path / "shop", calm + MAIL, MAIL_TOML)
    for _ in range(2):
        done = cij("run", folder, "--once")
        assert done.code == Exit.OK, done.err


_POINTS = "points | default: 1"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ 7 | divided_by: 0 }}", "no result"),
        ("{{ points | divided_by: 0 }}", "no result"),
        ("{{ points | plus: 1 | modulo: 0.0 }}", "no result"),
        ("{% assign n = points | divided_by: 0 %}{{ n }}", "no result"),
        ("{{ points | divided_by: 2 }}", None),
        ("{{ points | divided_by: 0.5 | round }}", None),
    ],
)
def test_what_fails_for_everybody_is_told_by_check(
    cij: Cij, tmp_path: Path, body: str, said: str | None
) -> None:
    # A value that some customers lack needs a default.
    text = MAIL.replace('body = "Hello"', f'body = "{body.replace("points", _POINTS)}"')
    folder = project(tmp_path / "shop", text + journey("send email hello"), MAIL_TOML)
    done = cij("check", folder)
    assert done.code == (Exit.ERRORS if said else Exit.OK), done.err
    assert (said or "") in done.out + done.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reader_p", "My Shop!", "_", "café", "x" * 200])
def test_a_project_of_any_name_can_send(cij: Cij, tmp_path: Path, name: str) -> None:
    toml = MAIL_TOML.replace('name = "test"', f'name = "{name}"').replace(
        'from = "shop@example.com"\n', ""
    )
    folder = project(tmp_path / "shop", MAIL + journey("send email hello"), toml)
    done = cij("run", folder, "--once")
    assert done.code == Exit.OK, done.err
    assert list((folder / "outbox").rglob("*.eml"))
