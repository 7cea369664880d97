"""Files over the network: S3 as moto serves it with signatures checked, HTTP and Azure from a local server."""

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Source
from cij.runtime.engine import Engine
from cij.runtime.errors import DataError
from cij.runtime.sources import KINDS, object_stores, web_answers
from cij.runtime.sources.aws_signature import Credentials, signed_headers
from tests.builders import source
from tests.draws import draws
from tests.loading import bad, failure, loaded, opened, rows


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        yield engine


# --- https ------------------------------------------------------------------------------------


@dataclass
class Site:
    """A server of files. `asked` are (path, headers) of all requests."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    listing: Callable[[dict[str, str]], bytes] | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    cut: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            parts = urlsplit(self.path)
            status = site.status.get(parts.path, 200 if parts.path[1:] in site.files else 404)
            body = site.files.get(parts.path[1:], b"<Error><Code>NoSuchKey</Code></Error>")
            if site.listing and "comp=list" in parts.query:
                status, body = 200, site.listing(dict(parse_qsl(parts.query)))
            self.send_response(status)
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - site.cut])

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as site:
        yield site


def people(path: str, kind: str = "csv", **settings: str) -> Source:
    return source("s", {"n": "integer"}, kind=kind, path=path, tolerate="1", where=None, **settings)


def test_a_file_over_http_is_read_as_one_of_the_project(
    site: Site, engine: Engine, tmp_path: Path
) -> None:
    site.files["s.csv"] = gzip.compress(b'id,n\r\na,1\r\n"b\r\nc",2\r\nd,x\r\n')
    of = people(site.url("s.csv?sign=a*b"))
    report = loaded(engine, of, tmp_path)
    assert (report.kept, report.bad) == (2, 1)
    assert rows(engine, "source_s") == [("a", 1), ("b\r\nc", 2)]
    # The file has its own name, and the row its own line: a quoted line break comes before it.
    assert bad(engine)[0][:3] == (of.settings["path"], 5, 'column n: "x" is not a whole number')
    assert [path for path, _ in site.asked] == ["/s.csv?sign=a*b"] * 2 + ["/s.csv?sign=a*b"]
    assert [c.name for c in KINDS["csv"].names(of, tmp_path)] == ["id", "n"]


@pytest.mark.parametrize("header", ["etag", "last-modified", "none"])
def test_an_unchanged_file_is_not_read_again(
    site: Site, engine: Engine, tmp_path: Path, header: str
) -> None:
    site.files["s.csv"], site.headers = b"id,n\na,1\n", {header: '"1"'}
    of = people(site.url("s.csv"))
    assert loaded(engine, of, tmp_path).kept == 1
    assert loaded(engine, of, tmp_path).is_unchanged
    site.files["s.csv"], site.headers = b"id,n\na,2\n", {header: '"2"'}
    assert not loaded(engine, of, tmp_path).is_unchanged
    assert rows(engine, "source_s") == [("a", 2)]


@pytest.mark.parametrize(
    ("status", "message"),
    {
        401: "the server asks for a key that was not given or is not right (401)",
        403: "the server refuses to give it (403 AccessDenied)",
        404: "there is no such file (404 NoSuchKey)",
        418: "the server does not give it (418 NoSuchKey)",
        503: "the server has a fault (503 NoSuchKey)",
    }.items(),
)
def test_a_refusal_names_file_and_cause(
    site: Site, engine: Engine, tmp_path: Path, status: int, message: str
) -> None:
    site.status["/s.csv"] = status
    if status == 401:
        site.files["s.csv"] = b"\xff" * 100
    if status == 403:
        site.files["s.csv"] = b"<Error><Code>AccessDenied</Code></Error>"
    of = people(site.url("s.csv"))
    assert f"source s: cannot read {site.url('s.csv')}: {message} (" in failure(
        engine, of, tmp_path
    )


def test_a_token_comes_from_the_environment_and_is_shown_nowhere(
    site: Site, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["s.csv"] = b"id,n\na,1\n"
    monkeypatch.setenv("TOKEN", "tell-nobody")
    monkeypatch.setenv("WHERE", site.url("other.csv?sig=tell-nobody-else"))
    assert loaded(engine, people(site.url("s.csv"), token="env:TOKEN"), tmp_path).kept == 1
    assert site.asked[-1][1]["authorization"] == "Bearer tell-nobody"
    told = failure(engine, people("env:WHERE", token="env:TOKEN"), tmp_path)
    assert "cannot read env:WHERE: there is no such file (404 NoSuchKey)" in told


def test_a_token_does_not_follow_a_redirect(
    site: Site, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "tell-nobody")
    with serving(Site(files={"t.csv": b"id,n\na,1\n"})) as other:
        site.status["/s.csv"], site.headers = 302, {"location": other.url("t.csv")}
        assert loaded(engine, people(site.url("s.csv"), token="env:TOKEN"), tmp_path).kept == 1
        assert all("authorization" not in headers for _, headers in other.asked)
        for wrong in ("http://shop.example/t.csv", "file:///etc/passwd", "http://[half"):
            site.headers = {"location": wrong}
            assert "cannot read" in failure(engine, people(site.url("s.csv")), tmp_path)


def test_an_answer_that_breaks_off_or_has_no_end_is_refused(
    site: Site, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["s.csv"], site.headers = b"id,n\na,1\nb,2\n", {"etag": "1"}
    of = people(site.url("s.csv"))
    site.cut = 4
    assert "the answer broke off after 9 of 13 bytes" in failure(engine, of, tmp_path)
    site.cut = 0
    monkeypatch.setattr(web_answers, "FILE_BYTES_MAX", 12)
    assert "it has more than 12 bytes" in failure(engine, of, tmp_path)
    monkeypatch.setattr(web_answers, "FILE_BYTES_MAX", 13)
    monkeypatch.setattr(web_answers, "WHOLE_S", -1.0)
    assert "it has not come in -1 s" in failure(engine, of, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_encryption_is_refused(engine: Engine, tmp_path: Path) -> None:
    of = people("http://shop.example/s.csv")
    assert "its address sends without encryption; use https://" in failure(engine, of, tmp_path)
    of = people("s3://b/s.csv", endpoint="http://minio.example:9000")
    assert "its address sends without encryption" in failure(engine, of, tmp_path)
    of = people("https://127.0.0.1:1/s.csv")
    assert "the connection fails: Connection refused" in failure(engine, of, tmp_path)
    assert "has a character that no URL has" in failure(
        engine, people("https://shop.example/a b.csv"), tmp_path
    )


# --- s3 ---------------------------------------------------------------------------------------


@dataclass
class Bucket:
    """A bucket `shop` in an S3 that checks who asks. `settings` are right ones."""

    client: Any
    settings: dict[str, str]

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket="shop", Key=key, Body=body)


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield from _bucket(boto3, f"http://{host}:{port}")
    finally:
        server.stop()


def _bucket(boto3: Any, url: str) -> Iterator[Bucket]:
    from moto import settings
    from moto.core.authorization import ActionAuthenticatorMixin as Guard

    first = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
    iam = boto3.client("iam", endpoint_url=url, **first)
    iam.create_user(UserName="cij")
    key = iam.create_access_key(UserName="cij")["AccessKey"]
    allow = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    iam.put_user_policy(UserName="cij", PolicyName="all", PolicyDocument=allow)
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    client = boto3.client("s3", endpoint_url=url, **(first | own))
    client.create_bucket(
        Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    before = settings.INITIAL_NO_AUTH_ACTION_COUNT
    settings.INITIAL_NO_AUTH_ACTION_COUNT, Guard.request_count = 0, 1
    try:
        yield Bucket(
            client,
            {
                "endpoint": url,
                "region": "eu-west-1",
                "access_key": key["AccessKeyId"],
                "secret_key": key["SecretAccessKey"],
            },
        )
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT = before
        client.close()
        iam.close()


@pytest.mark.slow
def test_a_file_in_s3_is_read_with_a_right_key_only(
    bucket: Bucket, engine: Engine, tmp_path: Path
) -> None:
    bucket.put("in/a b+ü.csv", b"id,n\na,1\n")
    of = people("s3://shop/in/a b+ü.csv", **bucket.settings)
    assert loaded(engine, of, tmp_path).kept == 1
    assert loaded(engine, of, tmp_path).is_unchanged
    bucket.put("in/a b+ü.csv", b"id,n\na,2\n")
    assert loaded(engine, of, tmp_path).kept == 1
    assert rows(engine, "source_s") == [("a", 2)]
    wrong = people("s3://shop/in/a b+ü.csv", **(bucket.settings | {"secret_key": "x" * 40}))
    told = failure(engine, wrong, tmp_path)
    assert "the server refuses to give it (403 SignatureDoesNotMatch)" in told
    assert bucket.settings["secret_key"] not in told
    absent = people("s3://shop/absent.csv", **bucket.settings)
    assert "there is no such file (404 NoSuchKey)" in failure(engine, absent, tmp_path)
    half = people("s3://shop/a.csv", access_key="k")
    assert "`access_key` and `secret_key` are set together" in failure(engine, half, tmp_path)
    assert "is written s3://bucket/name" in failure(engine, people("s3://shop"), tmp_path)


@pytest.mark.slow
def test_a_pattern_reads_all_files_of_a_bucket_that_match(
    bucket: Bucket, engine: Engine, tmp_path: Path
) -> None:
    for n, place in enumerate(("y=1/m=2/a", "y=1/m=3/b", "y=2/m=1/c", "other/d")):
        with closing(duckdb.connect()) as database:
            file = tmp_path / f"{n}.parquet"
            database.execute(f"COPY (SELECT 'k{n}' AS id, {n} AS n) TO '{file}' (FORMAT parquet)")
        bucket.put(f"days/{place}.parquet", file.read_bytes())
    of = source(
        "s",
        {"n": "integer", "y": "integer"},
        kind="parquet",
        where=None,
        path="s3://shop/days/y=*/**/*.parquet",
        **bucket.settings,
    )
    assert loaded(engine, of, tmp_path).kept == 3
    assert rows(engine, "source_s") == [("k0", 0, 1), ("k1", 1, 1), ("k2", 2, 2)]
    assert loaded(engine, of, tmp_path).is_unchanged
    bucket.put("days/y=3/m=1/e.parquet", (tmp_path / "3.parquet").read_bytes())
    assert loaded(engine, of, tmp_path).kept == 4
    none = people("s3://shop/none/*.csv", **bucket.settings)
    assert "no file matches s3://shop/none/*.csv" in failure(engine, none, tmp_path)
    other = people("s3://absent/*.csv", **bucket.settings)
    told = failure(engine, other, tmp_path)
    assert "cannot list s3://absent/*.csv: there is no such file (404 NoSuchBucket)" in told


@pytest.mark.slow
def test_names_are_listed_page_by_page(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(7):
        bucket.put(f"many/{n}.csv", b"")
    monkeypatch.setattr(object_stores, "PAGE_NAMES", 3)
    found = object_stores.names_like("s3://shop/many/*[026].csv", bucket.settings)
    assert found == ["s3://shop/many/0.csv", "s3://shop/many/2.csv", "s3://shop/many/6.csv"]
    monkeypatch.setattr(object_stores, "NAMES_MAX", 5)
    with pytest.raises(DataError, match="more than 5 names begin with many/; write a longer one"):
        object_stores.names_like("s3://shop/many/*.csv", bucket.settings)


@given(
    path=st.text(st.characters(min_codepoint=33), min_size=1, max_size=20),
    token=st.sampled_from(["", "session"]),
    prefix=st.text(max_size=10),
)
@hypothesis_settings(max_examples=draws(20), deadline=None)
def test_a_signature_is_that_of_the_client_of_amazon(path: str, token: str, prefix: str) -> None:
    pytest.importorskip("botocore", reason="botocore is not installed")
    from urllib.parse import quote

    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as Theirs

    url = f"https://s3.example:9000/{quote(path, safe='/-_.~')}?prefix={quote(prefix, safe='-_.~')}"
    now = datetime(2026, 3, 2, 10, 11, 12)
    found = signed_headers(url, Credentials("key", "secret", token), "eu-west-1", now)
    request = AWSRequest(
        "GET", url, headers={"X-Amz-Content-SHA256": found["x-amz-content-sha256"]}
    )
    request.context["timestamp"] = found["x-amz-date"]
    theirs = S3SigV4Auth(Theirs("key", "secret", token or None), "s3", "eu-west-1")
    request.headers["X-Amz-Date"] = found["x-amz-date"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    canonical = theirs.canonical_request(request)
    signature = theirs.signature(theirs.string_to_sign(request, canonical), request)
    assert found["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("a/*.csv", "a/b.csv", True),
        ("a/*.csv", "a/b/c.csv", False),
        ("a/**/*.csv", "a/c.csv", True),
        ("a/**/*.csv", "a/b/b/c.csv", True),
        ("a/?.csv", "a/b.csv", True),
        ("a/?.csv", "a//.csv", False),
        ("a/[!b-d].csv", "a/c.csv", False),
        ("a/[^].csv", "a/^.csv", True),
        ("a.csv", "axcsv", False),
        ("a/[.csv", "a/[.csv", True),
    ],
)
def test_signs_of_a_pattern_mean_what_they_mean_in_the_project(
    pattern: str, name: str, matches: bool
) -> None:
    assert bool(object_stores._expression(pattern).fullmatch(name)) == matches


@pytest.mark.slow
def test_a_delta_table_in_s3_is_read(bucket: Bucket, engine: Engine, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
    with closing(duckdb.connect()) as database:
        deltalake.write_deltalake(str(tmp_path / "t"), database.sql("SELECT 'a' AS id, 1 AS n"))
    for file in (p for p in (tmp_path / "t").rglob("*") if p.is_file()):
        bucket.put(f"lake/t/{file.relative_to(tmp_path / 't').as_posix()}", file.read_bytes())
    settings = {**bucket.settings, "allow_http": "true"}
    of = people("s3://shop/lake/t", "delta", **settings)
    assert loaded(engine, of, tmp_path).kept == 1
    assert loaded(engine, of, tmp_path).is_unchanged
    wrong = people("s3://shop/lake/t", "delta", **(settings | {"secret_key": "x" * 40}))
    told = failure(engine, wrong, tmp_path)
    assert "source s: cannot read s3://shop/lake/t: " in told and "\n" not in told


# --- azure ------------------------------------------------------------------------------------


def test_files_of_azure_are_asked_for_with_a_signature_of_the_environment(
    site: Site, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAS", "?sv=2024&sig=tell-nobody%3D")
    site.files = {"acc/shop/in/a.csv": b"id,n\na,1\n", "acc/shop/in/b.csv": b"id,n\nb,2\n"}
    names = ["in/a.csv", "in/x/c.csv", "in/b.csv"]

    def listing(query: dict[str, str]) -> bytes:
        at = int(query.get("marker") or 0)
        mark = at + 1 if at + 1 < len(names) else ""
        blob = f"<Blobs><Blob><Name>{names[at]}</Name></Blob></Blobs>"
        return f"<EnumerationResults>{blob}<NextMarker>{mark}</NextMarker></EnumerationResults>".encode()

    site.listing = listing
    of = people("az://shop/in/*.csv", endpoint=site.url("acc"), sas="env:SAS")
    assert loaded(engine, of, tmp_path).kept == 2
    assert all("sv=2024&sig=tell-nobody%3D" in path for path, _ in site.asked)
    assert any(
        path.startswith("/acc/shop?comp=list&prefix=in%2F&restype=container&sv=")
        for path, _ in site.asked
    )
    told = failure(
        engine, people("az://shop/none.csv", endpoint=site.url("acc"), sas="env:SAS"), tmp_path
    )
    assert "cannot read az://shop/none.csv: there is no such file" in told
    assert "needs the setting `account`" in failure(engine, people("az://shop/a.csv"), tmp_path)
    site.listing = lambda query: b"<html>"
    assert "the store does not list its names" in failure(engine, of, tmp_path)


# --- declared ---------------------------------------------------------------------------------

DECLARED = """
source s {{
  kind = csv
  path = "{}"
  {}
  key = id
  columns {{ id = text }}
}}
profile customer {{ from s {{ town = id }} }}
"""


@pytest.mark.parametrize(
    ("path", "setting", "messages"),
    [
        ("s3://shop/a.csv", 'access_key = env("KEY")', []),
        ("https://shop.example/a.csv", 'token = env("TOKEN")', []),
        ("gs://shop/a.csv", "", ["`path` takes a path in the project, or one that begins with https://, s3:// or az://"]),
        ("https://me:secret@shop.example/a.csv", "", ["`path` takes an address without a user and password; a secret is in a setting such as `token`"]),
        ("https://shop.example/a.csv", 'token = "abc"', ['`token` takes a variable of the environment: env("SHOP_TOKEN")']),
        ("a.csv", 'region = "eu-west-1"', ["`region` has no meaning for a path in the project"]),
        ("https://shop.example/a.csv", 'region = "eu-west-1"', ["`region` has no meaning for https://"]),
    ],
)  # fmt: skip
def test_what_is_declared_fits_the_path(path: str, setting: str, messages: list[str]) -> None:
    text = DECLARED.format(path, setting)
    made = compile_project(ProjectSettings("p", "UTC"), {"a.journey": text}, {}, {})
    assert [d.message for d in made.diagnostics] == messages
