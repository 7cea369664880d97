"""Pages by which customers say what they want to hear, and the ledger of what they said."""

import json
import re
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from cij.app.signed_links import Link, Links, keys_file, rotate
from cij.cli.exits import Exit
from cij.compiler.channels import CHANNELS
from cij.service.page_texts import TEXTS, texts_for
from tests.conftest import Cij
from tests.service_bed import Bed, served, shop_project

URL = "https://news.shop.example"
NOW = datetime(2026, 3, 2, 9)
CONFIRM = """\
[Yes, I want news]({{ links.confirm.news }}), or [change]({{ links.preferences }}) what you get.
This text names links.unsubscribe; [this]({{ links.unsubscribe }}) is one.
"""
OFFERS = """
topic offers {
  purpose = "Offers <b>& more</b>"
  channels = [email, sms]
  consent = opt_out
}

event wants_news {
  fields {
    place = text
  }
}

message email please_confirm {
  topic = service
  locale "en" {
    subject = "Please confirm"
    body = file("confirm.md")
  }
}

# Asks whether somebody really wants news.
journey opt_in {
  enter on wants_news again always
  steps {
    asked: send email please_confirm
    wait for subscribed(asked) up to 7 days {
      end confirmed
    }
  }
}
"""


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("pages") / "shop"
    shop_project(folder, f'[service]\nurl = "{URL}/"\n')
    (folder / "offers.journey").write_text(OFFERS)
    (folder / "confirm.md").write_text(CONFIRM)
    with served(folder) as found:
        yield found


def link(bed: Bed, purpose: str, person: str, topic: str = "offers", channel: str = "email") -> str:
    """Return the path of a page of a person."""
    id = bed.ask("timeline", person=person)["customer"]
    assert purpose in ("unsubscribe", "preferences")
    token = bed.service.house.links.sign(
        Link("unsubscribe" if purpose == "unsubscribe" else "preferences", id, topic, channel)
    )
    return f"/c/{purpose}/{token}"


def consents(bed: Bed, person: str) -> dict[tuple[str, str], bool]:
    rows = bed.ask("consent", "read", person=person)["consents"]
    return {(row["topic"], row["channel"]): row["granted"] for row in rows}


def mails(bed: Bed) -> list[Message]:
    return [message_from_bytes(f.read_bytes()) for f in (bed.folder / "outbox").rglob("*.eml")]


@pytest.mark.slow
def test_a_mail_has_one_click_and_opening_its_link_changes_nothing(bed: Bed) -> None:
    bed.post("/v1/events/purchase", {"customer": "shop:1"})
    bed.settled(lambda: any((bed.folder / "outbox").rglob("*.eml")), "the mail is there")
    [mail] = mails(bed)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    target = re.sub(r"\s", "", mail["List-Unsubscribe"]).strip("<>")
    assert target.startswith(f"{URL}/c/unsubscribe/")
    path = target.removeprefix(URL)
    page = bed.http.get(path)
    assert page.status_code == 200 and "<form" in page.text and "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert bed.http.head(path).status_code == 200
    # The mail is for a topic that needs no consent; the click is noted with its message.
    done = bed.http.post(path, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200 and "no more messages" in done.text
    bed.settled(lambda: len(bed.events("unsubscribed")) == 1, "the click is taken in")
    [event] = bed.events("unsubscribed")
    assert event["message_key"].startswith("thank:") and event["topic"] == "service"


def test_one_click_ends_a_topic_on_a_channel(bed: Bed) -> None:
    path = link(bed, "unsubscribe", "shop:1")
    before = consents(bed, "shop:1")
    assert before[("offers", "email")] and before[("offers", "sms")]
    page = bed.http.get(path).text
    assert "Offers &lt;b&gt;&amp; more&lt;/b&gt;" in page and "<b>&" not in page
    assert consents(bed, "shop:1") == before
    bed.http.post(path, content=b"List-Unsubscribe=One-Click")
    bed.settled(lambda: not consents(bed, "shop:1")[("offers", "email")], "it has ended")
    assert consents(bed, "shop:1")[("offers", "sms")]
    assert consents(bed, "shop:2")[("offers", "email")]


def test_the_preference_page_saves_what_is_chosen(bed: Bed) -> None:
    path = link(bed, "preferences", "shop:2")
    page = bed.http.get(path).text
    boxes = dict(re.findall(r'name="on" value="([^"]+)"( checked)?', page))
    assert boxes == {"news.email": "", "offers.email": " checked", "offers.sms": " checked"}
    assert "service" not in page, "nobody can refuse a receipt"
    saved = bed.http.post(path, data={"on": ["news.email", "offers.sms", "other.email"]})
    assert 'role="status"' in saved.text
    wanted = {("news", "email"): True, ("offers", "email"): False, ("offers", "sms"): True}
    bed.settled(lambda: consents(bed, "shop:2") == wanted, "it is saved")
    bed.http.post(path, data={"on": "news.email", "none": "yes"})
    bed.settled(lambda: not any(consents(bed, "shop:2").values()), "all has ended")
    found = bed.ask("consent", "read", person="shop:2")["ledger"]
    assert {row["origin"] for row in found} == {"preference page"}
    assert "Offers <b>& more</b>: email" in {row["shown"] for row in found}


@pytest.mark.slow
def test_a_double_opt_in_needs_a_click_on_the_page(bed: Bed) -> None:
    bed.post("/v1/events/wants_news", {"customer": "new@example.com"})
    bed.settled(lambda: any(m["To"] == "new@example.com" for m in mails(bed)), "the mail is there")
    [mail] = [m for m in mails(bed) if m["To"] == "new@example.com"]
    [part] = [p for p in mail.walk() if p.get_content_type() == "text/html"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    targets = re.findall(rf'href="{URL}(/c/(\w+)/[^"]+)"', content.decode())
    paths = {kind: path for path, kind in targets}
    assert paths.keys() == {"confirm", "preferences", "unsubscribe"}
    assert "Do you want messages" in bed.http.get(paths["confirm"]).text
    assert bed.http.get(paths["preferences"]).status_code == 200
    assert not consents(bed, "new@example.com")[("news", "email")]
    assert "You get messages" in bed.http.post(paths["confirm"]).text
    bed.settled(lambda: consents(bed, "new@example.com")[("news", "email")], "they agreed")
    bed.settled(lambda: _confirmed(bed), "the journey goes on")
    [row] = bed.ask("consent", "read", person="new@example.com")["ledger"]
    assert row["origin"] == "double opt-in" and "Do you want messages" in row["shown"]


def _confirmed(bed: Bed) -> bool:
    return any(e["name"] == "confirmed" for e in bed.ask("status", "read")["ended"])


@pytest.mark.slow
def test_a_link_that_does_not_exist_is_a_mistake(tmp_path: Path, cij: Cij) -> None:
    folder = shop_project(tmp_path / "p")
    text = CONFIRM.replace("links.preferences", "links.preference")
    (folder / "offers.journey").write_text(OFFERS)
    (folder / "confirm.md").write_text(text.replace("confirm.news", "confirm.service"))
    done = cij("check", folder)
    assert done.code == Exit.ERRORS and "did you mean `links.preferences`" in done.out
    assert "there is no link `links.confirm.service`" in done.out
    (folder / "confirm.md").write_text(CONFIRM)
    assert cij("check", folder).code == Exit.OK
    line = {"event": "wants_news", "customer": "shop:1"}
    (folder / ".cij" / "inbox").mkdir(parents=True)
    (folder / ".cij" / "inbox" / "a.jsonl").write_text(json.dumps(line) + "\n")
    # Nobody could follow the link, so the mail waits.
    done = cij("run", folder, "--once")
    assert done.code == Exit.DELIVERY and "no `url` in [service]" in done.err


def test_a_link_that_is_not_ours_opens_nothing(bed: Bed) -> None:
    path = link(bed, "unsubscribe", "shop:1")
    head, _, token = path.rpartition("/")
    id, payload, signature = token.split(".")
    wrongs = [token[:-1], f"{id}.{payload}.", f"{id}.{payload}x.{signature}", "a.b.c", "é", "." * 9]
    wrongs += [f"{id}.{'A' * 5000}.{signature}", f"zzzzzz.{payload}.{signature}"]
    before = len(bed.events("unsubscribed"))
    for wrong in wrongs:
        for answer in (bed.http.get(f"{head}/{wrong}"), bed.http.post(f"{head}/{wrong}")):
            assert answer.status_code == 404 and "not valid" in answer.text, wrong
    # Of the right person, but for another page.
    assert bed.http.get(f"/c/preferences/{token}").status_code == 404
    nobody = bed.service.house.links.sign(Link("preferences", "c0123456789abcde"))
    assert bed.http.get(f"/c/preferences/{nobody}").status_code == 404
    german = bed.http.get("/c/preferences/x", headers={"accept-language": "de-DE"}).text
    assert 'lang="de"' in german and "nicht gültig" in german
    assert len(bed.events("unsubscribed")) == before
    assert bed.http.post(path, content=b"x" * 30_000).status_code == 413


def test_the_ledger_as_a_command_and_as_a_file(bed: Bed, cij: Cij, tmp_path: Path) -> None:
    at = ("--project", bed.folder)
    file = tmp_path / "consents.csv"
    head = "customer,topic,channel,granted,at,origin,shown\n"
    file.write_text(
        head + 'ana@example.com,news,email,yes,2026-03-01 10:00,shop desk,"Yes, news"\n'
    )
    assert cij("consent", "import", file, *at).out == "handed in 1 consent\n"
    bed.settled(lambda: consents(bed, "shop:1")[("news", "email")], "it is imported")
    cij("consent", "import", file, *at)
    shown = cij("consent", "show", "ana@example.com", *at)
    assert shown.code == Exit.OK and "shop desk" in shown.out and "Yes, news" in shown.out
    found = json.loads(cij("consent", "show", "shop:1", "--json", *at).out)
    assert [row["origin"] for row in found["ledger"]].count("shop desk") == 1
    text = cij("consent", "export", *at).out
    id = found["customer"]
    assert f"{id},news,email,yes,2026-03-01T09:00:00Z" in text and text.count(id) == 3
    assert cij("consent", "show", "nobody@example.com", *at).code == Exit.USAGE
    for wrong, words in {
        "shop:1,nwes,email,yes,,,": "did you mean `news`",
        "shop:1,news,sms,yes,,,": "no channel `sms`",
        "shop:1,news,email,maybe,,,": "yes or no",
        "nobody,news,email,yes,,,": "no customer",
        "shop:1,news,email,yes,yesterday,,": "yesterday",
        ",news,email,yes,,,": "`customer` is missing",
    }.items():
        file.write_text(head + wrong + "\n")
        done = cij("consent", "import", file, *at)
        assert done.code == Exit.USAGE and words in done.err, done.err
    file.write_bytes(b"\xff\xfe\xfa")
    assert cij("consent", "import", file, *at).code == Exit.USAGE


def test_links_are_signed_by_keys_that_are_replaced(tmp_path: Path) -> None:
    links = Links(tmp_path)
    first = links.sign(Link("unsubscribe", "c1", "ü", "email", "k:1"))
    assert links.read(first, NOW) == Link("unsubscribe", "c1", "ü", "email", "k:1")
    assert stat.S_IMODE((tmp_path / keys_file()).stat().st_mode) == 0o600
    assert rotate(tmp_path) == 1
    second = links.sign(Link("unsubscribe", "c1"))
    assert second.split(".")[0] != first.split(".")[0]
    assert links.read(first, NOW) and Links(tmp_path).read(second, NOW)
    for _ in range(5):
        rotate(tmp_path)
    assert links.read(first, NOW) is None and links.read(second, NOW) is not None
    late = links.sign(Link("preferences", "c1", until=NOW))
    assert links.read(late, NOW - timedelta(seconds=1)) and links.read(late, NOW) is None
    assert len(first) < 200


def test_every_language_says_the_same() -> None:
    for language, texts in TEXTS.items():
        for question in (texts.stop_question, texts.stopped):
            assert "{topic}" in question and "{channel}" in question, language
        assert all(language in channel.called for channel in CHANNELS.values())
    assert texts_for(None, "pt-BR", "es_MX")[0] == "es" and texts_for("xx")[0] == "en"
