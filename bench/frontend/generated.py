"""Projects of any size, in the manner of a real one: one file a campaign, about 100 lines each.

The sources, the profile and the events are those of `examples/loyalty`; each campaign has segments,
messages in two languages, a journey with waits and branches, and a test.
"""

import shutil
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "loyalty"
_SHARED = ("journeys/data.journey", "journeys/loyalty.journey", "content/loyal20.es.md", "cij.toml")
_CAMPAIGN = (Path(__file__).parent / "campaign.txt").read_text("utf-8")
LINES_A_FILE = _CAMPAIGN.count("\n")


def campaign(number: int) -> str:
    """Return the text of one campaign; no two are alike."""
    values = {"N": f"{number:05}", "POINTS": 100 + number % 900, "DAYS": 1 + number % 30}
    text = _CAMPAIGN
    for name, value in values.items():
        text = text.replace(f"<{name}>", str(value))
    return text


def write_project(folder: Path, files: int) -> Path:
    """Write a project with so many campaigns, besides the files that it takes from the example."""
    for name in _SHARED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLE / name, folder / name)
    for number in range(files):
        group = folder / "campaigns" / f"{number // 100:03}"
        group.mkdir(parents=True, exist_ok=True)
        (group / f"campaign_{number:05}.journey").write_text(campaign(number), encoding="utf-8")
    return folder
