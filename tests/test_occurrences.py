"""Every place of a name is found: whatever is renamed, the project still compiles, and means the same."""

from pathlib import Path

import pytest
from lsprotocol.types import TextEdit

from cij.app.open_texts import OpenTexts, View
from cij.compiler.review.lineage import Node
from cij.lsp import name_edits
from cij.lsp.documents import path_of
from cij.lsp.positions import offset_of

EXAMPLES = Path(__file__).parents[1] / "examples"
NEW = "quite_new"


def applied(view: View, edits: dict[str, list[TextEdit]]) -> dict[str, str]:
    """Return the changed texts by file name."""
    found: dict[str, str] = {}
    for uri, changes in edits.items():
        path = path_of(uri)
        assert path is not None
        name = view.name_of(path)
        text = view.text(name)
        # From the last to the first, because a change moves only the text after it.
        for change in sorted(changes, key=lambda c: c.range.start, reverse=True):
            start, end = (offset_of(at, text) for at in (change.range.start, change.range.end))
            text = text[:start] + change.new_text + text[end:]
        found[name] = text
    return found


def all_renamed(view: View) -> dict[str, list[TextEdit]]:
    """Return the edits that put `_new` behind every name of a project that can be renamed."""
    nodes = sorted({each.node for each in view.occurrences if each.is_declaration})
    found: dict[str, list[TextEdit]] = {}
    for node in nodes:
        new = node.name.rpartition(".")[2].strip("`") + "_new"
        if name_edits.refusal(view, node, new) is None:
            for uri, edits in name_edits.renamed(view, node, new).items():
                found.setdefault(uri, []).extend(edits)
    return found


@pytest.mark.parametrize("example", sorted(p.name for p in EXAMPLES.iterdir() if p.is_dir()))
def test_a_renamed_name_is_renamed_everywhere(example: str) -> None:
    project = OpenTexts(EXAMPLES / example)
    before = project.view()
    edits = all_renamed(before)
    project.by_name = applied(before, edits)
    after = project.view()
    assert [f"{d.span} {d.message}" for d in after.compiled.errors] == []
    # Nothing keeps its old name in one place only.
    assert len(after.occurrences) == len(before.occurrences) + sum(
        edit.new_text.startswith("  renamed ") for each in edits.values() for edit in each
    )
    assert sum(len(each) for each in edits.values()) > 20


@pytest.fixture(scope="module")
def loyalty() -> View:
    return OpenTexts(EXAMPLES / "loyalty").view()


def test_a_field_is_found_in_rules_templates_content_files_and_tests(loyalty: View) -> None:
    places = {
        (each.span.file, loyalty.text(each.span.file).split("\n")[each.span.line - 1].strip())
        for each in loyalty.occurrences
        if each.node == Node("field", "points")
    }
    journey = "journeys/loyalty.journey"
    assert (journey, "where points > 1000") in places
    assert ("content/loyal20.es.md", loyalty.text("content/loyal20.es.md").split("\n")[2]) in places
    assert (journey, "points = 1_500") in places
    assert ("journeys/data.journey", "merge points {") in places


def test_a_broken_file_still_gives_the_names_of_the_others() -> None:
    project = OpenTexts(EXAMPLES / "loyalty")
    text = project.view().text("journeys/loyalty.journey")
    broken = text.replace("journey coupon_thanks {", "journey coupon_thanks {{ ???", 1)
    assert broken != text
    project.by_name = {"journeys/loyalty.journey": broken}
    view = project.view()
    assert view.compiled.errors
    assert Node("segment", "loyal") in {each.node for each in view.occurrences}


@pytest.mark.parametrize(
    ("node", "new", "reason"),
    [
        (Node("journey", "loyalty_reward"), NEW, "a new journey"),
        (Node("segment", "loyal"), "big_spenders", "there is a segment `big_spenders` already"),
        (Node("segment", "loyal"), "two words", "is no name"),
        (Node("segment", "nowhere"), NEW, "is not declared in this project"),
    ],
)
def test_a_rename_that_cannot_be_is_refused(
    loyalty: View, node: Node, new: str, reason: str
) -> None:
    assert reason in (name_edits.refusal(loyalty, node, new) or "")


def test_a_renamed_step_keeps_the_people_who_stand_there(loyalty: View) -> None:
    texts = applied(
        loyalty, name_edits.renamed(loyalty, Node("step", "loyalty_reward.opened"), NEW)
    )
    text = texts["journeys/loyalty.journey"]
    assert "journey loyalty_reward {\n  renamed opened to quite_new\n" in text
    assert "    quite_new: wait for opened(reward) up to 3 days {" in text
