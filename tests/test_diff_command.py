"""`cij diff` and `cij lineage` as commands: revisions, folders, files, and what can be wrong with them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Cij
from tests.review_cases import SHOP, edit, git, repository


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    repository(folder, "teams/shop")
    return folder


@pytest.fixture
def top(_made: Path, tmp_path: Path) -> Path:
    """Return the top of a fresh repository, with the project in `teams/shop`."""
    return Path(shutil.copytree(_made, tmp_path / "repository"))


@pytest.fixture
def shop(top: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(top / "teams" / "shop")
    return top / "teams" / "shop"


def test_without_head_the_files_on_disk_are_the_newer_version(shop: Path, cij: Cij) -> None:
    edit(shop, "changed-threshold")
    done = cij("diff", "HEAD")
    assert done.code == 0 and "points > 1500" in done.out
    assert cij("diff", "main", "main").out.count("no change of meaning") == 1


def test_it_works_from_a_folder_inside_the_project(
    shop: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(shop, "changed-threshold")
    monkeypatch.chdir(shop / "journeys")
    assert "points > 1500" in cij("diff", "HEAD").out
    monkeypatch.chdir(shop.parents[1])
    assert "points > 1500" in cij("diff", "HEAD", "--project", "teams/shop").out


def test_nothing_in_the_working_tree_is_touched(shop: Path, cij: Cij) -> None:
    edit(shop, "changed-threshold")
    before = git(shop, "status", "--porcelain")
    cij("diff", "HEAD")
    assert git(shop, "status", "--porcelain") == before


def test_two_folders_and_two_files(shop: Path, tmp_path: Path, cij: Cij) -> None:
    other = Path(shutil.copytree(shop, tmp_path / "other"))
    edit(other, "changed-threshold")
    assert "points > 1500" in cij("diff", shop, other).out
    files = [folder / "journeys" / "rewards.journey" for folder in (shop, other)]
    assert "points > 1500" in cij("diff", *files).out


def test_a_range_from_where_the_branch_began(shop: Path, cij: Cij) -> None:
    git(shop, "checkout", "-q", "-b", "topic")
    edit(shop, "changed-threshold")
    git(shop, "commit", "-q", "-a", "-m", "topic")
    git(shop, "checkout", "-q", "main")
    edit(shop, "changed-shares")
    git(shop, "commit", "-q", "-a", "-m", "main goes on")
    assert "2 changes" in cij("diff", "main..topic").out
    assert "1 change " in cij("diff", "main...topic").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nope"], 2, "neither a revision of git nor a folder"),
        (["--", "--output=stolen"], 2, "neither a revision"),
        ([""], 2, "cannot be empty"),
        (["HEAD:cij.toml"], 2, "neither a revision"),
        (["journeys/rewards.journey"], 2, "name the other version too"),
        (["HEAD", "/"], 3, "no cij.toml"),
        (["HEAD", "--journey", "loyaltee"], 2, "did you mean `loyalty`?"),
        ([], 2, "name one or two versions"),
        (["a", "b", "c"], 2, "name one or two versions"),
        (["HEAD", "HEAD", "--project", "nowhere"], 3, "there is no file or folder"),
    ],
)
def test_what_is_wrong_is_one_message(
    words: list[str], code: int, said: str, shop: Path, cij: Cij
) -> None:
    done = cij("diff", *words)
    assert done.code == code and said in done.err, done.err
    assert not (shop / "stolen").exists()


def test_a_folder_without_git(tmp_path: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = cij("diff", "main")
    assert done.code == 2 and "not a git repository" in done.err


def test_no_git_at_all(shop: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    done = cij("diff", "main")
    assert done.code == 2 and "git cannot be called" in done.err


def test_a_shallow_clone_says_what_is_missing(
    top: Path, tmp_path: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(top, "commit", "-q", "--allow-empty", "-m", "later")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{top}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow" / "teams" / "shop")
    done = cij("diff", "HEAD~1")
    assert done.code == 2 and "git fetch --unshallow" in done.err


def test_a_base_that_does_not_compile_is_compared_as_far_as_it_does(shop: Path, cij: Cij) -> None:
    file = shop / "journeys" / "rewards.journey"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("wait 1 hour", "wait 1 fortnight"), encoding="utf-8")
    git(shop, "commit", "-q", "-a", "-m", "broken")
    file.write_text(good.replace("points > 1000", "points > 1500"), encoding="utf-8")
    done = cij("diff", "HEAD")
    assert done.code == 0, done.err
    assert "does not compile, so only what does is compared" in done.out
    assert "journey `browsing` is not compared" in done.out
    assert "points > 1500" in done.out and "new journey" not in done.out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cij.toml", '[project]\nname = "shop"\n', "`timezone` is missing"),
        ("cij.toml", "[project", "is not valid TOML"),
        ("catalog.lock.json", "{", "catalog.lock.json in HEAD"),
    ],
)
def test_wrong_settings_of_the_base_are_told(
    name: str, text: str, said: str, shop: Path, cij: Cij
) -> None:
    good = (shop / name).read_text() if (shop / name).exists() else None
    (shop / name).write_text(text)
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "wrong")
    assert cij("diff", "HEAD~1", "HEAD").code == 3
    (shop / name).unlink() if good is None else (shop / name).write_text(good)
    edit(shop, "changed-threshold")
    done = cij("diff", "HEAD")
    assert done.code == 0 and said in done.out and "points > 1500" in done.out


def test_it_works_inside_a_hook(shop: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch) -> None:
    """git tells its hooks where the repository is, from the top of the working tree."""
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    edit(shop, "changed-threshold")
    assert "points > 1500" in cij("diff", "HEAD").out


def test_a_new_version_that_does_not_compile_shows_its_mistakes(shop: Path, cij: Cij) -> None:
    file = shop / "journeys" / "rewards.journey"
    file.write_text(file.read_text().replace("wait 1 hour", "wait 1 fortnight"))
    done = cij("diff", "HEAD")
    assert done.code == 1 and "fortnight" in done.err


def test_a_base_without_the_project_makes_everything_new(
    top: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = top / "teams" / "other"
    shutil.copytree(SHOP, other)
    monkeypatch.chdir(other)
    done = cij("diff", "HEAD")
    assert done.code == 0 and "which has no journeys yet" in done.out
    assert "new journey `loyalty`" in done.out and "does not compile" not in done.out


def test_files_that_are_not_read_on_disk_are_not_read_of_a_commit(shop: Path, cij: Cij) -> None:
    hidden, inner = shop / ".old", shop / "inner"
    for folder in (hidden, inner):
        folder.mkdir()
        (folder / "a.journey").write_text("segment loyal {\n  where points > 1\n}\n")
    (inner / "cij.toml").write_text('[project]\nname = "inner"\ntimezone = "UTC"\n')
    os.symlink("journeys/nowhere.journey", shop / "link.journey")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "more")
    (shop / "link.journey").unlink()
    done = cij("diff", "HEAD")
    assert done.code == 0 and "no change of meaning" in done.out, done.out + done.err


def test_secrets_of_the_environment_are_not_needed(shop: Path, cij: Cij) -> None:
    settings = shop / "cij.toml"
    text = settings.read_text() + (
        '\n[delivery.email]\nkind = "smtp"\nhost = "env:NO_SUCH_HOST"\nfrom = "a@example.com"\n'
    )
    settings.write_text(text)
    assert cij("diff", "HEAD").code == 0


def test_json_is_the_whole_report(shop: Path, cij: Cij) -> None:
    edit(shop, "changed-threshold")
    found = json.loads(cij("diff", "HEAD", "--format", "json").out)
    assert found["format_version"] == "1.0"
    assert found["changes"][0]["class"] == "audience"
    assert found["changes"][0]["proof"]["loses"]["values"]["points"] == 1001


def test_one_journey(shop: Path, cij: Cij) -> None:
    edit(shop, "changed-threshold")
    assert "1 change" in cij("diff", "HEAD", "--journey", "loyalty").out
    assert "no change" in cij("diff", "HEAD", "--journey", "browsing").out


def test_git_calls_it_for_a_file(
    shop: Path, top: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git calls a driver at the top of the working tree, with the path from there."""
    old = top / "old.journey"
    file = shop / "journeys" / "rewards.journey"
    shutil.copyfile(file, old)
    edit(shop, "changed-threshold")
    monkeypatch.chdir(top)
    given = ["teams/shop/journeys/rewards.journey", old, "1234567", "100644"]
    done = cij("diff", "--driver", *given, file, "0" * 40, "100644")
    assert done.code == 0 and "+   where points > 1500" in done.out.replace("+  where", "+   where")
    assert "nobody new" in done.out
    assert "not merged" in cij("diff", "--driver", given[0]).out
    file.write_text("segment {")
    done = cij("diff", "--driver", *given, file, "0" * 40, "100644")
    assert done.code == 0 and "cannot say what this change means" in done.out
    gone = cij("diff", "--driver", *given, os.devnull, "0" * 40, "100644")
    assert gone.code == 0


def test_a_drawing_marks_what_has_changed(shop: Path, cij: Cij) -> None:
    edit(shop, "removed-branch")
    edit(shop, "renamed-step")
    edit(shop, "competing-journey")
    drawn = cij("graph", "--diff", "HEAD").out
    assert "## loyalty" in drawn and "## winback" in drawn and "browsing" not in drawn
    assert "REMOVED: send sms vip" in drawn and "ADDED: send email gold_perks" in drawn
    assert "CHANGED: wait 3 days<br/>pause<br/>before: wait 3 days settle" in drawn
    assert "style n_removed_vip_text stroke:#dc2626" in drawn
    for form in ("dot", "svg"):
        assert "REMOVED" in cij("graph", "loyalty", "--diff", "HEAD", "--format", form).out
    assert cij("graph", "--diff", "nowhere").code == 2
    journeys = shop / "journeys" / "rewards.journey"
    journeys.write_text(journeys.read_text().replace("journey browsing", "journey looking"))
    gone = cij("graph", "browsing", "--diff", "HEAD").out
    assert "REMOVED: send email browse" in gone and "ADDED" not in gone


def test_lineage_as_text_and_json(shop: Path, cij: Cij) -> None:
    done = cij("lineage", "points")
    assert "column customers.points: integer" in done.out
    assert 'es subject: "Tienes {{ points }} puntos"' in done.out
    found = json.loads(cij("lineage", "customers.points", "--json").out)
    assert found["format_version"] == "1.0" and found["names"][0]["kind"] == "column"
    leads = {(each["kind"], each["name"]) for each in found["names"][0]["leads_to"]}
    assert {("segment", "loyal"), ("message", "reward"), ("journey", "loyalty")} <= leads
    done = cij("lineage", "poinz")
    assert done.code == 2 and "did you mean `points`?" in done.err


# --- the gate ---------------------------------------------------------------------------------

RULES = """
[review.approvers]
legal = ["lena@example.com"]
owner = ["otto@example.com", "ANA@example.com"]

[[review.rules]]
needs = "legal"
classes = ["policy"]

[[review.rules]]
needs = "owner"
addresses = ["segment.*", "journey.loyalty.*"]
files = ["journeys/rewards.journey"]
"""


@pytest.fixture
def ruled(shop: Path) -> Path:
    with (shop / "cij.toml").open("a") as file:
        file.write(RULES)
    git(shop, "commit", "-q", "-a", "-m", "rules")
    git(shop, "checkout", "-q", "-b", "topic")
    edit(shop, "changed-threshold")
    edit(shop, "loosened-policy")
    git(shop, "commit", "-q", "-a", "-m", "change")
    return shop


def approve(shop: Path, group: str, program: str, author: str) -> None:
    trailer = f"Cij-Approved: {group} {program}"
    git(shop, "commit", "-q", "--allow-empty", "--author", author, "-m", f"Approve\n\n{trailer}")


def hash_of(cij: Cij) -> str:
    found = json.loads(cij("diff", "main", "HEAD", "--format", "json").out)
    return str(found["head"]["hash"])


def test_the_gate_lists_the_approvals_that_are_missing(ruled: Path, cij: Cij) -> None:
    done = cij("diff", "main", "HEAD", "--gate")
    program = hash_of(cij)[:12]
    assert done.code == 1
    said = " ".join(done.out.split())
    assert "legal: missing for `policy.contact.quiet`, `policy.contact.cap email`" in said
    assert f"Cij-Approved: owner {program}" in said
    approve(ruled, "legal", program, "Lena <lena@example.com>")
    done = cij("diff", "main", "HEAD", "--gate")
    assert done.code == 1 and "legal: lena@example.com has approved" in done.out
    approve(ruled, "owner", program, "Ana <ana@example.com>")
    assert cij("diff", "main", "HEAD", "--gate").code == 0


def test_an_approval_of_something_else_does_not_count(ruled: Path, cij: Cij) -> None:
    program = hash_of(cij)
    approve(ruled, "legal", program, "Mallory <mallory@example.com>")
    approve(ruled, "owner", program, "Lena <lena@example.com>")
    approve(ruled, "owner", "0" * 12, "Otto <otto@example.com>")
    done = cij("diff", "main", "HEAD", "--gate", "--format", "json")
    assert done.code == 1
    assert [r["approved_by"] for r in json.loads(done.out)["approvals"]] == [None, None]


def test_a_later_change_needs_another_approval(ruled: Path, cij: Cij) -> None:
    program = hash_of(cij)
    approve(ruled, "legal", program, "Lena <lena@example.com>")
    approve(ruled, "owner", program, "Otto <otto@example.com>")
    assert cij("diff", "main", "HEAD", "--gate").code == 0
    edit(ruled, "changed-shares")
    assert cij("diff", "main", "--gate").code == 1


def test_a_branch_cannot_pass_by_dropping_the_rules(ruled: Path, cij: Cij) -> None:
    settings = ruled / "cij.toml"
    settings.write_text(settings.read_text().replace(RULES, ""))
    git(ruled, "commit", "-q", "-a", "-m", "no rules")
    done = cij("diff", "main", "HEAD", "--gate")
    assert done.code == 1 and "those of the base count here" in " ".join(done.out.split())


def test_a_signature_may_be_needed(ruled: Path, cij: Cij) -> None:
    git(ruled, "checkout", "-q", "main")
    settings = ruled / "cij.toml"
    text = settings.read_text()
    settings.write_text(
        text.replace("[review.approvers]", "[review]\nsigned = true\n\n[review.approvers]")
    )
    git(ruled, "commit", "-q", "-a", "-m", "signed")
    git(ruled, "checkout", "-q", "topic")
    program = hash_of(cij)
    approve(ruled, "legal", program, "Lena <lena@example.com>")
    approve(ruled, "owner", program, "Otto <otto@example.com>")
    assert cij("diff", "main", "HEAD", "--gate").code == 1


def _allow_signers(ruled: Path, keys: Path) -> None:
    """Allow the keys of lena and otto on `main`. A branch cannot add a signer: ana is in the group, and
    her key is allowed on the branch only."""
    git(ruled, "checkout", "-q", "main")
    allowed = [f"{who}@example.com {(keys / f'{who}.pub').read_text()}" for who in ("lena", "otto")]
    (ruled / "allowed").write_text("".join(allowed))
    settings = ruled / "cij.toml"
    settings.write_text(
        settings.read_text().replace(
            "[review.approvers]", '[review]\nallowed_signers = "allowed"\n\n[review.approvers]'
        )
    )
    git(ruled, "add", "allowed")
    git(ruled, "commit", "-q", "-a", "-m", "signers")
    git(ruled, "checkout", "-q", "topic")
    git(ruled, "merge", "-q", "main")
    with (ruled / "allowed").open("a") as file:
        file.write(f"ana@example.com {(keys / 'ana.pub').read_text()}")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not here")
def test_a_signed_entry_approves_this_change_only(
    ruled: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ruled.parent / "keys"
    keys.mkdir()
    for name in ("lena", "otto", "ana"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(keys / name)]
        subprocess.run(words, check=True)
    approve_ = ("approve", "legal", "main", "--key", str(keys / "lena"), "--who")
    done = cij(*approve_, "lena@example.com")
    assert done.code == 2 and "need `allowed_signers`" in done.err
    _allow_signers(ruled, keys)
    assert cij(*approve_, "lena@example.com").code == 0
    owner = ("approve", "owner", "main", "--who")
    assert cij(*owner, "ana@example.com", "--key", str(keys / "ana")).code == 0

    def gate() -> tuple[int, str, list[str | None]]:
        done = cij("diff", "main", "--gate", "--json")
        found = json.loads(done.out)
        return done.code, " ".join(found["notes"]), [a["approved_by"] for a in found["approvals"]]

    code, notes, by = gate()
    assert (code, sorted(map(str, by))) == (1, ["None", "lena@example.com"])
    assert "ana@example.com for owner does not count: the allowed signers have no such key" in notes
    assert cij(*owner, "otto@example.com", "--key", str(keys / "otto")).code == 0
    assert gate() == (0, "", ["lena@example.com", "otto@example.com"])

    entries, text = ruled / "approvals.toml", (ruled / "approvals.toml").read_text()
    entries.write_text(text.replace('rule = "legal"', 'rule = "owner"'))
    assert gate()[0] == 1 and "lena@example.com for owner does not count: they are not" in gate()[1]
    entries.write_text(text.replace("lena@", "LENA@"))
    assert gate()[0] == 1 and "the entry or its signature was altered" in gate()[1]
    for damaged, why in (("[[approval", "approvals.toml: "), ("[[approval]]\n", "approval.0.who")):
        entries.write_text(damaged)
        done = cij("diff", "main", "--gate")
        assert done.code == 3 and why in done.err, done.err
    entries.write_text(text)
    edit(ruled, "changed-shares")
    assert gate()[0] == 1 and "it is of another state of the change" in gate()[1]
    assert cij("approve", "lego", "main", "--key", str(keys / "lena")).code == 2
    assert cij(*approve_, "mallory@example.com").code == 2
    git(ruled, "checkout", "-q", "journeys")
    monkeypatch.setattr("cij.app.ssh_signatures.PROGRAM", "ssh-keygen-that-is-missing")
    done = cij("diff", "main", "--gate")
    assert done.code == 3 and "need `ssh-keygen`, which is not installed" in done.err


def test_rules_for_nobody_are_a_mistake_of_the_settings(shop: Path, cij: Cij) -> None:
    with (shop / "cij.toml").open("a") as file:
        file.write('\n[[review.rules]]\nneeds = "legal"\n')
    done = cij("check")
    assert done.code == 3 and "has nobody for it" in done.err


def test_without_rules_the_gate_is_open(shop: Path, cij: Cij) -> None:
    edit(shop, "changed-threshold")
    done = cij("diff", "HEAD", "--gate")
    assert done.code == 0 and "no approval is needed" in done.out
    assert cij("diff", "HEAD", "--gate", "--journey", "loyalty").code == 2
