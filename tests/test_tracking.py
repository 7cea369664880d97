"""Opens and clicks of mails: the links of the service, and what becomes of them."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from cij.app.service_table import TrackingTable
from cij.app.signed_links import Link, Links, rotate
from cij.app.tracking_links import (
    TOKEN_CHARS_MAX,
    MailTracking,
    Mark,
    click_token,
    clicked,
    open_token,
    opened,
    tracking_of,
)
from cij.cli.exits import Exit
from cij.runtime import held_clicks
from cij.runtime.delivery.defaults import MessageOf
from cij.runtime.errors import ConfigError
from cij.service.machines import sign_of
from tests.conftest import Cij
from tests.service_bed import Bed, served, shop_project
from tests.tracked_mail import BODY, A

URL = "https://go.shop.example"
PERSON = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"}
APPLE = {"user-agent": "Mozilla/5.0"}
TRACKING = f"""
[service]
url = "{URL}"
[service.tracking]
topic = "measuring"
hosts = ["partner.example"]
utm = {{ source = "mail", campaign = "{{message}}" }}
"""
OFFERS = """
topic measuring {
  purpose = "Measuring what is read"
  channels = [email]
  consent = opt_out
}

event wants_offer {
  fields {
    place = text
  }
}

message email offer {
  topic = service
  locale "en" {
    subject = "An offer"
    body = file("offer.html")
  }
}

event wants_more {
  fields {
    place = text
  }
}

# Sends an offer each time.
journey more {
  enter on wants_more again always
  steps {
    send email offer
  }
}

# Sends an offer, and counts what people and machines do with it.
journey offers {
  enter on wants_offer again always
  steps {
    mail: send email offer
    wait for clicked(mail) up to 7 days {
      end clicked
    }
  }
}
"""


# --- tokens -----------------------------------------------------------------------------------


def test_a_token_says_what_it_is_about_and_nobody_else_makes_one(tmp_path: Path) -> None:
    links = Links(tmp_path)
    mark = Mark("c0123456789abcde", "offers:17:mail:0", "email", 2, 5, A, "utm_medium=email")
    token, image = click_token(links, mark), open_token(links, mark)
    assert clicked(links, token) == mark and len(token) < 150 and re.fullmatch(r"[\w.-]+", token)
    assert opened(links, image) == Mark(mark.customer, mark.message_key, "email")
    rotate(tmp_path)
    assert clicked(links, token) == mark, "an older key still counts"
    # What is signed for one purpose counts for no other.
    consent = links.sign(Link("unsubscribe", mark.customer))
    assert opened(links, token) is None and clicked(links, image) is None
    assert links.read(token, datetime(2026, 1, 1)) is None and clicked(links, consent) is None
    key, payload, signature = token.split(".")
    for forged in (
        *(token[:n] for n in range(0, len(token), 7)),
        f"{key}.{payload}.", f"{key}..{signature}", f"x.{payload}.{signature}",
        f"{key}.{payload[:-6]}ABCDEF.{signature}", f"{key}.{payload}.{signature[:-6]}ABCDEF", "é" * 90,
        "\udcff.\udcff.\udcff", "..", "", token + "x" * TOKEN_CHARS_MAX, f"{token}.",
    ):  # fmt: skip
        assert clicked(links, forged) is None, forged


def test_what_is_added_to_links_is_filled_in(tmp_path: Path) -> None:
    table = TrackingTable(
        topic="m", utm={"source": "a&b", "campaign": "{journey} {step}", "term": ""}
    )
    of = MessageOf("c1", "k", "email", "j", "s", "m")
    tracking = MailTracking(table, URL, Links(tmp_path))
    assert tracking.extra(of) == "utm_source=a%26b&utm_campaign=j+s"
    link = tracking.link(of, "https://a.example/#f", 0, 1)
    mark = clicked(tracking.links, link.removeprefix(f"{URL}/l/"))
    assert mark and mark.target == "https://a.example/?utm_source=a%26b&utm_campaign=j+s#f"
    assert mark.link == "https://a.example/#f"
    assert tracking_of(None, URL, tracking.links) is None
    with pytest.raises(ConfigError, match="needs `url`"):
        tracking_of(table, None, tracking.links)


# --- machines ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "sign"),
    [
        (PERSON, None),
        ({"user-agent": "Mozilla/5.0 (Windows NT 10.0; Microsoft Outlook 16.0.5134)"}, None),
        ({"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148"}, None),
        (APPLE, "apple privacy"),
        ({"user-agent": "Mozilla/5.0 (…) Firefox/11.0 (via ggpht.com GoogleImageProxy)"}, "gmail proxy"),
        ({"user-agent": "YahooMailProxy; https://help.yahoo.com/kb/"}, "yahoo proxy"),
        ({"user-agent": "Mozilla/5.0 (compatible; Barracuda Sentinel)"}, "scanner"),
        ({"user-agent": "Slackbot-LinkExpanding 1.0"}, "robot"),
        ({"user-agent": "python-requests/2.31"}, "program"),
        ({}, "no name"),
        ({**PERSON, "sec-purpose": "prefetch;prerender"}, "prefetch"),
        ({**PERSON, "x-purpose": "Preview"}, "prefetch"),
    ],
)  # fmt: skip
def test_signs_of_machines(headers: dict[str, str], sign: str | None) -> None:
    assert sign_of("GET", headers) == sign
    assert sign_of("HEAD", headers) == "head"


def click(key: str, second: float, number: int, links: int = 3) -> dict[str, Any]:
    at = datetime(2026, 3, 2, 9) + timedelta(seconds=second)
    row = {
        "event": "clicked",
        "message_key": key,
        "at": f"{at.isoformat()}Z",
        "id": f"{key}{second}",
    }
    return row | {"link_number": number, "links": links, "fields": {"link": f"https://a/{number}"}}


def test_all_links_within_seconds_are_those_of_a_machine() -> None:
    cases = {
        "scanner": [click("scanner", s, n) for s, n in ((0, 0), (1, 1), (2, 1), (4, 2))],
        "many": [click("many", n, n, 30) for n in range(5)],
        "slow": [click("slow", n * 4, n) for n in range(3)],
        "same": [click("same", n / 2, 0) for n in range(9)],
        "one": [click("one", 0, 0, 1)],
        "two": [click("two", 0, 0, 2), click("two", 9, 1, 2)],
    }
    rows = held_clicks.marked(row for rows in cases.values() for row in reversed(rows))
    machines = {row["message_key"] for row in rows if row["event"] == "clicked_by_machine"}
    assert machines == {"scanner", "many"}
    assert sum(row["event"] == "clicked_by_machine" for row in rows) == 9
    assert all(row["fields"]["sign"] == "all links" for row in rows if row["message_key"] == "many")


def test_clicks_wait_on_the_disk_and_none_is_lost(tmp_path: Path) -> None:
    folder, start = tmp_path / ".cij" / "intake", datetime(2026, 3, 2, 9)
    folder.mkdir(parents=True)
    rows = [click("a", 0, 0), click("b", 0.5, 0), click("a", 4, 1), click("a", 4.9, 2)]
    for n, row in enumerate(rows):
        (folder / f"{n}.held").write_text(json.dumps(row) + "\n" + '{"torn": ' * (n == 3))

    def handed() -> dict[str, str]:
        files = (tmp_path / ".cij" / "inbox").glob("*.jsonl")
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        assert all("links" not in line for line in lines)
        return {line["id"]: line["event"] for line in lines}

    left = held_clicks.release(
        tmp_path, [*folder.iterdir()], start + timedelta(seconds=6), held_clicks.HOLD
    )
    assert handed() == {"a0": "clicked_by_machine", "b0.5": "clicked"}
    # What is known of the others stays known, although the first one of them is gone.
    assert [*folder.iterdir()] == left and len(left) == 1
    held_clicks.recover(tmp_path, start + timedelta(seconds=7))
    assert handed() == {i: "clicked" if i == "b0.5" else "clicked_by_machine" for i in handed()}
    assert len(handed()) == 4 and not [*folder.iterdir()]


# --- the service ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("tracking") / "shop"
    shop_project(folder, TRACKING)
    (folder / "offers.journey").write_text(OFFERS)
    (folder / "offer.html").write_text(BODY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_clicks, "HOLD", timedelta(seconds=0.5))
        with served(folder) as found:
            yield found


def offer(bed: Bed, person: str, event: str = "wants_more") -> str:
    """Have an offer sent to a person, and return its HTML."""
    before = {*(bed.folder / "outbox").rglob("*.eml")}
    assert bed.post(f"/v1/events/{event}", {"customer": person}).status_code == 200
    new: list[Path] = []

    def is_there() -> bool:
        new[:] = [f for f in (bed.folder / "outbox").rglob("*.eml") if f not in before]
        return bool(new)

    bed.settled(is_there, "the offer is there")
    parts = message_from_bytes(new[0].read_bytes()).walk()
    [html] = [part for part in parts if part.get_content_type() == "text/html"]
    payload = html.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def paths(html: str, kind: str) -> list[str]:
    return list(dict.fromkeys(re.findall(rf'"{URL}(/{kind}/[^"]+)"', html)))


def lost(bed: Bed) -> float:
    text = bed.http.get("/metrics", auth=(bed.keys["read"], "")).text
    found = re.findall(r"^cij_tracking_not_kept_total\{.*\} (.+)$", text, re.MULTILINE)
    return sum(map(float, found))


@pytest.mark.slow
def test_people_and_machines_open_and_click(bed: Bed) -> None:
    html = offer(bed, "shop:1", "wants_offer")
    [image], links = paths(html, "o"), paths(html, "l")
    assert len(links) == 3 and html.count("https://shop.example/t'") == 1
    assert f"{URL}/c/preferences/" in html, "a link of the service leads there itself"
    for path, headers in ((image, PERSON), (image, APPLE), (links[0], APPLE)):
        found = bed.http.get(path, headers=headers)
        assert found.headers["cache-control"] == "no-store"
    assert bed.http.get(image, headers=PERSON).content[:6] == b"GIF89a"
    assert bed.http.head(links[1], headers=PERSON).status_code == 302
    went = [bed.http.get(path, headers=PERSON) for path in (links[0], links[0])]
    assert [each.status_code for each in went] == [302, 302]
    assert (
        went[0].headers["location"]
        == "https://shop.example/sale?a=1&utm_source=own&utm_campaign=offer#top"
    )
    bed.settled(lambda: len(bed.events("clicked")) == 2, "the clicks are taken in")
    [first, _] = bed.events("clicked")
    assert (
        first["link"] == A
        and first["message_key"].startswith("offers:")
        and first["channel"] == "email"
    )
    bed.settled(lambda: len(bed.events("opened")) == 2, "so are the opens")
    assert [row["sign"] for row in bed.events("opened_by_machine")] == ["apple privacy"]
    assert [row["sign"] for row in bed.events("clicked_by_machine")] == ["apple privacy", "head"]
    # The journey goes on by the click of a person alone.
    ends = bed.ask("timeline", "read", person="shop:1")
    assert "clicked" in json.dumps(ends)

    # A scanner opens all links within the time.
    for path in paths(offer(bed, "shop:2"), "l"):
        bed.http.get(path, headers=PERSON)
    bed.settled(lambda: len(bed.events("clicked_by_machine")) == 5, "they are those of a machine")
    assert len(bed.events("clicked")) == 2


@pytest.mark.slow
def test_who_does_not_agree_is_not_measured(bed: Bed) -> None:
    before = offer(bed, "shop:1")
    gone = {"customer": "shop:1", "channel": "email", "fields": {"topic": "measuring"}}
    bed.post("/v1/events/unsubscribed", gone)
    bed.settled(lambda: bool(bed.events("unsubscribed")), "it is noted")
    counts = len(bed.events("opened")), len(bed.events("clicked"))
    after = offer(bed, "shop:1")
    assert not paths(after, "o") and not paths(after, "l")
    assert "https://shop.example/sale?a=1&amp;utm_source=own&amp;utm_campaign=offer#top" in after
    # An older mail leads on, and nothing is kept of it.
    assert bed.http.get(paths(before, "l")[0], headers=APPLE).status_code == 302
    assert bed.http.get(paths(before, "o")[0], headers=PERSON).status_code == 200
    assert bed.http.get(paths(offer(bed, "shop:2"), "o")[0], headers=PERSON).status_code == 200
    bed.settled(lambda: len(bed.events("opened")) == counts[0] + 1, "the other one counts")
    assert len(bed.events("clicked")) == counts[1]
    other = bed.ask("timeline", "read", person="shop:2")["customer"]
    assert [row["customer"] for row in bed.events("opened")[counts[0] :]] == [other]


@pytest.mark.slow
def test_a_wrong_token_costs_nothing_and_a_full_disk_breaks_no_click(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    html = offer(bed, "shop:2")
    [image], [link, *_] = paths(html, "o"), paths(html, "l")
    written: list[bytes] = []
    log = bed.service.house.log
    append = log.append

    def noted(lines: bytes) -> Any:
        written.append(lines)
        return append(lines)

    monkeypatch.setattr(log, "append", noted)
    for path in (
        link[:-3],
        link + "A",
        image.replace("/o/", "/l/"),
        "/l/%ff%fe",
        "/l/é",
        "/l/..",
        "/l/.",
    ):
        found = bed.http.get(path, headers=PERSON)
        assert found.status_code == 404 and "location" not in found.headers, path
    assert bed.http.get("/l/" + "A" * 30_000, headers=PERSON).status_code == 404
    assert bed.http.get("/o/x.y.z", headers=PERSON).status_code == 404
    assert bed.http.post(link).status_code == 405
    assert not written
    before = lost(bed)

    def full(lines: bytes) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log, "append", full)
    monkeypatch.setattr(bed.service.house.held, "append", full)
    assert bed.http.get(image, headers=PERSON).status_code == 200
    assert (
        bed.http.get(link, headers=PERSON).headers["location"].startswith("https://shop.example/")
    )
    assert lost(bed) == before + 2
    monkeypatch.undo()
    # Nobody can fill the disk with a link, and the link leads on all the same.
    answers = {bed.http.get(image, headers=PERSON).status_code for _ in range(40)}
    assert answers == {200} and lost(bed) > before + 2
    assert "token" not in caplog.text and link not in caplog.text and "ana@" not in caplog.text


def test_wrong_settings_are_said(tmp_path: Path, cij: Cij) -> None:
    folder = tmp_path / "shop"
    shop_project(folder)
    cases = {
        '[service.tracking]\ntopic = "measurin"\nurl = "https://a.example"\n': "measuring",
        '[service.tracking]\ntopic = "measuring"\n': "needs `url`",
        '[service.tracking]\ntopic = "measuring"\nutm = { sauce = "x" }\n': "source",
        '[service.tracking]\ntopic = "measuring"\nutm = { source = "{who}" }\n': "{journey}",
        '[service.tracking]\ntopic = "measuring"\nhosts = ["https://a"]\n': "no host",
    }  # fmt: skip
    (folder / "offers.journey").write_text(OFFERS)
    (folder / "offer.html").write_text(BODY)
    toml = (folder / "cij.toml").read_text()
    for more, words in cases.items():
        (folder / "cij.toml").write_text(toml + more)
        found = cij("run", folder, "--once")
        assert found.code == Exit.CONFIG and words in found.err, more


@pytest.mark.slow
def test_messages_wait_while_their_links_cannot_be_signed(tmp_path: Path, cij: Cij) -> None:
    folder = tmp_path / "shop"
    shop_project(folder, TRACKING)
    (folder / "offers.journey").write_text(OFFERS)
    (folder / "offer.html").write_text(BODY)
    keys = folder / ".cij" / "signing_keys.json"
    assert cij("run", folder, "--once").code == Exit.OK
    assert cij("event", "wants_more", "shop:1", "--project", folder).code == Exit.OK
    keys.write_text("no keys")
    done = cij("run", folder, "--once")
    assert done.code == Exit.DELIVERY and "signing_keys.json" in done.out + done.err
    assert not [*(folder / "outbox").rglob("*.eml")]
    keys.unlink()
    assert cij("run", folder, "--once").code == Exit.OK
    assert len([*(folder / "outbox").rglob("*.eml")]) == 1


def test_the_doctor_says_who_answers_the_links(tmp_path: Path, cij: Cij) -> None:
    folder = tmp_path / "shop"
    shop_project(folder, TRACKING)
    (folder / "offers.journey").write_text(OFFERS)
    (folder / "offer.html").write_text(BODY)
    found = cij("doctor", folder)
    assert URL in found.out and "no service runs for this project" in found.out
