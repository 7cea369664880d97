"""Topics and channels that a provider calls otherwise: who asks to get nothing gets nothing (S20)."""

from datetime import datetime
from typing import Any

import pytest

from cij.runtime.intake import faults, take_in
from tests.testbed import TestBed

NOW = datetime(2026, 3, 2, 10)


@pytest.fixture(scope="module")
def bed() -> TestBed:
    found = TestBed("", NOW)
    found.people("ana")
    return found


def said(event: str, topic: str | None, channel: str | None, number: int) -> dict[str, Any]:
    fields = {"topic": topic} if topic is not None else {}
    row = {"event": event, "customer": "ana", "id": f"{event} {number}", "fields": fields}
    return row | ({"channel": channel} if channel is not None else {})


@pytest.mark.parametrize(
    ("topic", "channel"),
    [
        *[(t, None) for t in ("news", "News", " NEWS ", "newsletter", "servce", "")],
        *[("news", c) for c in ("email", "Email", "e-mail", "post", "")],
    ],
)
def test_an_unsubscribe_with_any_name_is_one(
    bed: TestBed, topic: str | None, channel: str | None
) -> None:
    bed.change("ana", **{"consent.news.email": True})
    row = said("unsubscribed", topic, channel, hash((topic, channel)))
    assert not take_in(bed.engine, bed.world.program, [row], NOW).refused
    assert bed.rows('SELECT c."consent.news.email" FROM customer AS c') == [(False,)]


@pytest.mark.parametrize(
    ("event", "topic", "channel", "words"),
    [
        ("subscribed", "nwes", None, 'there is no topic "nwes"'),
        ("subscribed", "news", "mail", 'there is no channel "mail"'),
        ("opened", None, "Post", 'there is no channel "Post"'),
    ],
)
def test_who_agrees_must_name_what_is_there(
    bed: TestBed, event: str, topic: str | None, channel: str | None, words: str
) -> None:
    row = said(event, topic, channel, 1)
    if event == "opened":
        row["fields"] = {}
    [refused] = take_in(bed.engine, bed.world.program, [row], NOW).refused
    assert words in refused.reason


def test_a_bounce_on_a_channel_with_another_name_is_for_its_address(bed: TestBed) -> None:
    row = {**said("bounced", None, "EMail", 1), "fields": {"reason": "hard"}}
    take_in(bed.engine, bed.world.program, [row], NOW)
    assert bed.rows("SELECT s.channel FROM suppression AS s") == [("email",)]


def test_the_author_of_a_line_is_told_of_any_unknown_name(bed: TestBed) -> None:
    rows = dict(enumerate([said("unsubscribed", "servce", None, 1), said("unsubscribed", "NEWS", "Email", 2)]))  # fmt: skip
    found = faults({n: {**row, "customer": "a@b.es"} for n, row in rows.items()}, bed.world.program, NOW)  # fmt: skip
    assert found == {0: 'there is no topic "servce"; there is news, tips, service'}
