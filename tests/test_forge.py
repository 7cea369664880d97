"""The review on a forge: the last step of the action, as bash runs it, against a server that keeps comments."""

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.builders import REPOSITORY
from tests.review_cases import edit, git, repository

FORGE = REPOSITORY / "docs" / "forge"


class Comments(BaseHTTPRequestHandler):
    """Keeps comments as GitHub and GitLab do. A wrong token is refused."""

    kept: dict[int, str]
    log: list[str]

    def do_GET(self) -> None:
        self.log.append(f"GET {self.path}")
        self._answer([{"id": n, "body": text} for n, text in self.kept.items()])

    def do_POST(self) -> None:
        self._write(len(self.kept) + 1)

    def do_PATCH(self) -> None:
        self._write(int(self.path.rpartition("/")[2]))

    do_PUT = do_PATCH

    def _write(self, number: int) -> None:
        self.log.append(f"{self.command} {self.path}")
        if "wrong" in str(self.headers):
            self.send_error(403)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.kept[number] = json.loads(body)["body"]
        self._answer({"id": number})

    def _answer(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Comments]]]:
    handler = type("Handler", (Comments,), {"kept": {1: "A person wrote this."}, "log": []})
    with HTTPServer(("127.0.0.1", 0), handler) as opened:
        Thread(target=opened.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{opened.server_port}", handler
        opened.shutdown()


def last_step() -> str:
    """Return the script of the last step of the action."""
    text = (FORGE / "github" / "action.yml").read_text(encoding="utf-8")
    return textwrap.dedent(re.split(r"run: \|\n", text)[-1])


@pytest.mark.slow
def test_the_action_writes_one_comment_and_updates_it(
    tmp_path: Path, server: tuple[str, type[Comments]]
) -> None:
    url, handler = server
    shop = repository(tmp_path)
    (shop / "cij.toml").write_text(
        (shop / "cij.toml").read_text()
        + '\n[review.approvers]\nlegal = ["lena@example.com"]\n'
        + '\n[[review.rules]]\nneeds = "legal"\nclasses = ["policy"]\n'
    )
    git(shop, "commit", "-q", "-a", "-m", "rules")
    git(shop, "checkout", "-q", "-b", "topic")

    def run() -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PROJECT": ".",
            "BASE": "main",
            "COMMENT": str(FORGE / "comment.py"),
            "GITHUB_API_URL": url,
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_TOKEN": "secret",
            "PULL_REQUEST": "7",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        }
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", last_step()],
            cwd=shop,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    edit(shop, "changed-threshold")
    git(shop, "commit", "-q", "-a", "-m", "threshold")
    done = run()
    assert done.returncode == 0, done.stderr
    assert handler.log[-1] == "POST /repos/acme/shop/issues/7/comments"
    assert "points &gt; 1500" not in handler.kept[2] and "+ points > 1500" in handler.kept[2]
    edit(shop, "loosened-policy")
    git(shop, "commit", "-q", "-a", "-m", "policy")
    done = run()
    assert done.returncode == 1, "the approval of legal is missing"
    assert handler.log[-1] == "PATCH /repos/acme/shop/issues/comments/2"
    assert "**legal**: missing" in handler.kept[2]
    assert handler.kept[1] == "A person wrote this."
    assert "**legal**: missing" in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize(
    ("forge", "environment", "said", "logged"),
    [
        (
            "gitlab",
            {"CIJ_TOKEN": "t"},
            "comment written",
            "POST /projects/3/merge_requests/7/notes",
        ),
        ("gitlab", {"CIJ_TOKEN": "wrong"}, "may not do that (HTTP 403)", None),
        ("gitlab", {}, "`CIJ_TOKEN`".replace("`", "'"), None),
    ],
)
def test_a_token_that_may_not_write_fails_no_review(
    forge: str,
    environment: dict[str, str],
    said: str,
    logged: str | None,
    tmp_path: Path,
    server: tuple[str, type[Comments]],
) -> None:
    url, handler = server
    file = tmp_path / "comment.md"
    file.write_text("<!-- cij-diff -->\nHello\n")
    given = {"CI_API_V4_URL": url, "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "7"}
    done = subprocess.run(
        [sys.executable, str(FORGE / "comment.py"), forge, str(file)],
        env={**os.environ, **given, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr
    assert logged is None or handler.log[-1] == logged
