"""The documents: decisions are numbered and complete, and links between documents lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
HEADINGS = ["Context", "Choice", "Price", "Status"]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*/README.md"),
        ROOT / "bench/README.md",
    ]
)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name.split("-")[0]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=_name)
def test_a_decision_is_complete(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# \d{4} .+\n\nDate: \d{4}-\d{2}-\d{2}\n\n", text)
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    sections = re.split(r"^## .+$", text, flags=re.MULTILINE)
    assert all(section.strip() for section in sections)


@pytest.mark.parametrize("path", DECISIONS, ids=_name)
def test_a_superseded_decision_names_a_later_one(path: Path) -> None:
    status = path.read_text(encoding="utf-8").split("## Status\n")[1].strip()
    if status == "Accepted.":
        return
    found = re.fullmatch(r"Superseded by (\d{4})\.", status)
    assert found, status
    later = [other for other in DECISIONS if other.name.startswith(f"{found[1]}-")]
    assert len(later) == 1 and found[1] > path.name[:4]


def test_the_index_lists_every_decision_as_it_is() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[\d{4}\]\((.+?)\) \| (.+) \| (\S+) \| (.+) \|$", index, re.MULTILINE)
    assert [row[0] for row in rows] == [path.name for path in DECISIONS]
    for name, title, date, status in rows:
        text = (ROOT / "docs/decisions" / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {name[:4]} {title}\n\nDate: {date}\n")
        assert text.rstrip().lower().endswith(f"{status}.")


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (path.parent / target).exists(), target
