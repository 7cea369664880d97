"""Files that are made to do harm: one diagnostic or a few, in bounded time and memory, no traceback.

Each case runs the command line in a fork that may not take more memory than this.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.forking import Forking

MEGABYTES = 700
# Many times what it takes on a quiet machine.
TIMEOUT_S = 120
SETTINGS = '[project]\nname = "p"\ntimezone = "UTC"\n'
GOOD = "segment good {\n  where x\n}\n"
_IS_POSIX = sys.platform != "win32"

Run = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.skipif(not _IS_POSIX, reason="Windows has no such limits and files")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "cij.toml").write_text(SETTINGS)
    (folder / "good.journey").write_text(GOOD)
    return folder


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with Forking(MEGABYTES, TIMEOUT_S) as forking:
        yield forking.run


def told(run: Run, project: Path, file: str) -> list[str]:
    """Check and format, and return what is said of one file; of the good one nothing changes."""
    done, formatted = run("check", project, "--format", "concise"), run("fmt", project)
    for each in (done, formatted):
        assert each.returncode == Exit.ERRORS, each.stderr + each.stdout
        assert "Traceback" not in each.stderr and "bug in cij" not in each.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith(f"{file}:")]
    # Those of the file itself; that the project has no profile is told in its first file.
    assert 1 <= len([line for line in found if "CIJ205" not in line]) <= 50
    assert all(re.match(rf"{re.escape(file)}:\d+:\d+: CIJ\d+ ", line) for line in found)
    return found


# --- what a file holds ------------------------------------------------------------------------

TEXTS: dict[str, tuple[bytes, str]] = {
    "10 MB of garbage": (b"lorem ipsum = dolor { sit } (amet " * 300_000, "larger than 5000000"),
    "3 MB of garbage": (b"lorem ipsum = dolor { sit } (amet " * 90_000, "CIJ101"),
    "1 MB in one line": (b"x" * 1_000_000, "CIJ101"),
    "200,000 braces": (b"journey j " + b"{" * 200_000, "CIJ101"),
    "200,000 closing braces": (b"}" * 200_000, "CIJ101"),
    "200,000 parentheses": (b"segment a {\n  where " + b"(" * 200_000, "CIJ101"),
    "200,000 that match": (b"segment a {\n  where " + b"(" * 200_000 + b")" * 200_000, "CIJ101"),
    "200,000 brackets": (b"source a {\n  x = " + b"[" * 200_000, "CIJ101"),
    "200,000 steps": (b"journey j { steps { " + b"if x { " * 200_000, "CIJ101"),
    "200,000 negations": (b"segment a {\n  where " + b"not " * 200_000 + b"x\n}\n", "CIJ101"),
    "20,000 sums": (b"segment a {\n  where x > 1" + b" + 1" * 20_000 + b"\n}\n", "CIJ101"),
    "a huge number": (b"segment a {\n  where x > " + b"9" * 1_000_000 + b"\n}\n", "30 digits"),
    "a huge fraction": (b"segment a {\n  where x > 0." + b"9" * 1_000_000 + b"\n}\n", "30 digits"),
    "a huge duration": (b"segment a {\n  where x > " + b"9" * 1_000_000 + b" days\n}\n", "digits"),
    "NUL": (b"segment a {\0}\n", "NUL character"),
    "UTF-16": ("segment a {}\n".encode("utf-16"), "not UTF-8"),
    "invalid UTF-8": (b"segment a { x = \xc3\x28 }\n", "not UTF-8"),
    "a surrogate": (b"segment a { x = \xed\xa0\x80 }\n", "not UTF-8"),
    "turned in a comment": ("# \u202e } \nsegment a {\n  where x\n}\n".encode(), "CIJ104"),
    "turned in a text": ('source a {\n  x = "a\u2066b"\n}\n'.encode(), "CIJ104"),
    "turned in a long text": ('source a {\n  x = """\na\u202db"""\n}\n'.encode(), "CIJ104"),
    "turned in a name": ("segment a\u202eb {\n}\n".encode(), "CIJ101"),
    "turned in back-quotes": ("segment `a\u202eb` {\n}\n".encode(), "CIJ104"),
    "no width in back-quotes": ("segment `a\u200bb` {\n}\n".encode(), "CIJ104"),
    "a path in back-quotes": ("segment a {\n  where x.`y\u00adz`\n}\n".encode(), "CIJ104"),
    "no width in a name": ("segment a\u3164 {\n  where x\n}\n".encode(), "U+3164 is invisible"),
    "no width in a field": ("segment a {\n  where x\u115fy = 1\n}\n".encode(), "U+115F"),
    "no width between letters": ("segment a\u034fb {\n  where x\n}\n".encode(), "U+034F"),
    "1,000 turned comments": ("# \u202e\n".encode() * 1_000, "CIJ104"),
    "3,000 misread words": (b"segment a {\n  where x = null\n}\n" * 3_000, "there is no `null`"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_any_content_gives_a_diagnostic(run: Run, project: Path, name: str) -> None:
    data, words = TEXTS[name]
    (project / "bad.journey").write_bytes(data)
    assert any(words in line for line in told(run, project, "bad.journey"))


FINE: dict[str, bytes] = {
    "a byte order mark": ("\ufeff" + GOOD).encode(),
    "two byte order marks": ("\ufeff\ufeff" + GOOD).encode(),
    "a name in another script": "segment `נקודות` {\n  where x\n}\n".encode(),
    "marks in a text": 'source a {\n  x = "\u200fשלום\u200e"\n}\n'.encode(),
    "joiners in a text": 'source a {\n  x = "👩\u200d👧"\n}\n'.encode(),
    "marks in a comment": ("# \u061cسلام\n" + GOOD).encode(),
}


@pytest.mark.parametrize("name", FINE)
def test_what_people_write_in_their_language_is_no_harm(run: Run, project: Path, name: str) -> None:
    (project / "good.journey").write_bytes(FINE[name])
    done = run("check", project, "--format", "concise")
    assert "CIJ10" not in done.stdout and done.returncode == Exit.ERRORS


# --- what a file is ---------------------------------------------------------------------------


def _fifo(file: Path) -> None:
    os.mkfifo(file)


def _itself(file: Path) -> None:
    file.symlink_to(file.name)


def _secret(file: Path) -> None:
    (file.parents[1] / "secret.journey").write_text("segment secret {}\n")
    file.symlink_to("../secret.journey")


def _nowhere(file: Path) -> None:
    file.symlink_to("nothing-there")


def _shut(file: Path) -> None:
    file.write_text(GOOD)
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("root reads everything")


FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pipe": (_fifo, "no ordinary file"),
    "a link to a device": (lambda file: file.symlink_to("/dev/zero"), "out of the project"),
    "a link to itself": (_itself, "cannot be read"),
    "a link to nothing": (_nowhere, "cannot be read"),
    "a link that leaves": (_secret, "out of the project"),
    "a file that is shut": (_shut, "cannot be read"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_any_kind_of_file_gives_a_diagnostic(run: Run, project: Path, name: str) -> None:
    make, words = FILES[name]
    make(project / "bad.journey")
    done = run("check", project, "--format", "concise")
    assert done.returncode == Exit.ERRORS and "Traceback" not in done.stderr, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("bad.journey:")]
    assert "CIJ102" in line and words in line and "secret" not in done.stdout.replace(line, "")
    formatted = run("fmt", "--check", project)
    assert "Traceback" not in formatted.stderr and "bug in cij" not in formatted.stderr


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_formatted(run: Run, device: str) -> None:
    done = run("fmt", "--check", device)
    assert done.returncode == Exit.ERRORS and "no ordinary file" in done.stderr


@pytest.mark.slow
def test_a_folder_may_be_called_like_a_file(run: Run, project: Path) -> None:
    (project / "folder.journey").mkdir()
    (project / "folder.journey" / "in.journey").write_text("segment inside {\n  where y z\n}\n")
    assert told(run, project, "folder.journey/in.journey")


@pytest.mark.slow
def test_folders_may_link_in_circles(run: Run, project: Path) -> None:
    for name, target in (("a", "b"), ("b", "a")):
        (project / name).mkdir()
        (project / name / "loop").symlink_to(f"../{target}")
    (project / "a" / "self").symlink_to(".")
    (project / "around").symlink_to("..")
    (project / "endless").symlink_to("endless")
    (project / "a" / "in.journey").write_text("segment inside {\n  where y z\n}\n")
    assert len(told(run, project, "a/in.journey")) == 1


# --- what a file names ------------------------------------------------------------------------

MESSAGE = """\
topic t {{
  purpose = "p"
  channels = [email]
  consent = opt_in
}}

message email m {{
  topic = t
  locale "en" {{
    subject = "s"
    body = file("{path}")
  }}
}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "../secret.md",
        "content/../../secret.md",
        "/etc/passwd",
        "link.md",
        "folder/secret.md",
        "pipe.md",
        "/dev/zero",
        "~/secret.md",
        "x" * 5_000,
        "..\\\\..\\\\secret.md",
        "endless.md",
    ],
)
def test_no_content_comes_from_outside(run: Run, project: Path, path: str) -> None:
    (project.parent / "secret.md").write_text("{{ a_secret }}")
    (project / "link.md").symlink_to("../secret.md")
    (project / "folder").symlink_to("..")
    (project / "endless.md").symlink_to("endless.md")
    os.mkfifo(project / "pipe.md")
    (project / "bad.journey").write_text(MESSAGE.format(path=path))
    done = run("check", project, "--format", "concise")
    assert done.returncode == Exit.ERRORS and "Traceback" not in done.stderr, done.stderr
    assert "bad.journey" in done.stdout and "CIJ606" in done.stdout
    assert "a_secret" not in done.stdout
