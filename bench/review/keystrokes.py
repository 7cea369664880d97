"""`python -m bench.review keystrokes`: what an editor waits for after a key, beside a cold `cij check`.

The file has about 300 lines and is part of an example with others. CPU seconds; a ratio of at most 0.1 is the aim.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median

from cij.app.open_texts import OpenTexts
from cij.lsp.diagnostics import diagnostics_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "loyalty"
FILE = "journeys/loyalty.journey"
CIJ = Path(sys.executable).parent / "cij"
LINES, KEYS = 300, 100


def main() -> None:
    """Print the seconds and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(EXAMPLE, Path(folder) / "loyalty"))
        text = _long(root)
        check = median(_check_s(root) for _ in range(5))
        keys = sorted(_keys_s(root, text))
    p95 = keys[int(len(keys) * 0.95)]
    print(
        f"cold check {check * 1000:.0f} ms; after a key p50 {median(keys) * 1000:.0f} ms, ", end=""
    )
    print(f"p95 {p95 * 1000:.0f} ms, ratio {p95 / check:.3f}")


def _long(root: Path) -> str:
    """Make the file long with segments, and return its text."""
    text = (root / FILE).read_text(encoding="utf-8")
    number = 0
    while text.count("\n") < LINES:
        number += 1
        text += f"\nsegment s{number} {{\n  where points > {number}\n    and in segment loyal\n}}\n"
    (root / FILE).write_text(text, encoding="utf-8")
    return text


def _check_s(root: Path) -> float:
    environment = {**os.environ, "CIJ_CACHE": "off"}
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([CIJ, "check"], cwd=root, env=environment, check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _keys_s(root: Path, text: str) -> list[float]:
    """Return the seconds after each key of a name that is written in the middle of the file."""
    project = OpenTexts(root.resolve())
    project.view()
    place = text.index("journey loyalty_reward")
    found = []
    for count in range(KEYS):
        project.by_name[FILE] = f"{text[:place]}segment {'x' * count}\n\n{text[place:]}"
        before = time.process_time()
        diagnostics_of(project.view())
        found.append(time.process_time() - before)
    return found
