"""The changes of a small shop that the comments of reviews are shown for: one branch each."""

import os
import shutil
import subprocess
from pathlib import Path

SHOP = Path(__file__).parent / "fixtures" / "review" / "shop"

# What a text of the shop becomes; the first name is the branch.
CASES: dict[str, tuple[tuple[str, str], ...]] = {
    "changed-threshold": (("points > 1000", "points > 1500"),),
    "moved-wait": (
        ("    settle: wait 3 days\n", ""),
        ("    split wording {", "    settle: wait 3 days\n    split wording {"),
    ),
    "changed-message-in-one-locale": (("Usa el código LOYAL20.", "Usa el código LEAL20."),),
    "removed-branch": (
        (
            """ else if tier = "platinum" {
      vip_text: send sms vip
      vip_wait: wait for purchase up to 5 days
    }""",
            "",
        ),
    ),
    "removed-branch-adopted": (
        (
            """ else if tier = "platinum" {
      vip_text: send sms vip
      vip_wait: wait for purchase up to 5 days
    }""",
            "",
        ),
        ("within 14 days\n", "within 14 days\n  in_flight = adopt\n"),
    ),
    "renamed-step": (
        ("    settle: wait", "    pause: wait"),
        ("within 14 days\n", "within 14 days\n  renamed settle to pause\n"),
    ),
    "renamed-step-adopted-unsaid": (
        ("    settle: wait", "    pause: wait"),
        ("within 14 days\n", "within 14 days\n  in_flight = adopt\n"),
    ),
    "reformatted-file": (
        (
            "    gold: send email gold_perks\n",
            "    # For gold.\n    gold:   send email gold_perks\n",
        ),
        ("segment loyal {", "# Everybody with many points.\n\n\nsegment   loyal {"),
    ),
    "loosened-policy": (
        ("at most 3 email per 7 days", "at most 5 email per 7 days"),
        ("quiet 21:00..08:00", "quiet 22:00..08:00"),
    ),
    "renamed-event-field": (
        ("    page = text", "    path = text"),
        ('visit where page = "/offers"', 'visit where path = "/offers"'),
        ("trigger.page", "trigger.path"),
    ),
    "changed-column-type": (("    points = integer", "    points = decimal"),),
    "competing-journey": (
        (
            "journey browsing {",
            """journey winback {
  enter from segment big
  steps {
    send email gold_perks
    wait 2 days
    send email gold_perks_short
  }
}

segment big {
  where points > 500
}

journey browsing {""",
        ),
    ),
    "changed-shares": (("50% long", "70% long"), ("50% short", "30% short")),
    "changed-goal-window": (("within 14 days", "within 7 days"),),
}


def git(folder: Path, *arguments: str) -> str:
    """Call git with a fixed author and instant, so that hashes are the same every time."""
    instant = "2026-03-02T09:00:00Z"
    person = {"NAME": "Ana", "EMAIL": "ana@example.com", "DATE": instant}
    names = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in person.items()}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **names, **alone},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def repository(folder: Path, inside: str = "") -> Path:
    """Make a repository with the shop, below the folder `inside`, and return the project folder."""
    shop = folder / inside if inside else folder
    shutil.copytree(SHOP, shop, dirs_exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "The shop")
    return shop


def edit(shop: Path, case: str) -> None:
    """Make the change of a case on disk."""
    files = sorted((shop / "journeys").glob("*.journey"))
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    for old, new in CASES[case]:
        found = [file for file, text in texts.items() if old in text]
        assert found, f"nothing in the shop says {old!r}"
        for file in found[:1]:
            texts[file] = texts[file].replace(old, new, 1)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")


def branch(shop: Path, case: str) -> None:
    """Make the change of a case on a branch of its name."""
    git(shop, "checkout", "-q", "-b", case, "main")
    edit(shop, case)
    git(shop, "commit", "-q", "-a", "-m", case)
