"""Fetching official files, from a real HTTP server on loopback, from files and from folders."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from threading import Thread

import pytest
import yaml
from servers import Reply, Server

from medcheck.errors import DatasetError, SettingsError
from medcheck.fetching import Source, SourceFile, counter, fetch, find, sources

CONTENT = "".join(f'{{"line": {n}, "text": "胸痛\u2028"}}\n' for n in range(20_000)).encode()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the machine the tests run on are none of these tests' business."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def source(url: str = "https://data.invalid/file.jsonl", **changes: object) -> Source:
    """A source of one small file."""
    values = {"url": url, "path": "small/file.jsonl", "sha256": SHA256, "bytes": len(CONTENT)}
    file = SourceFile(**{**values, **changes})  # type: ignore[arg-type]
    return Source(name="small", title="Small", licence="MIT", files=(file,))


def names(folder: Path) -> list[str]:
    """The names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def served(reply: Reply, folder: Path, **changes: object) -> str:
    """Fetch from a server that answers so; return the message of the failure."""
    with Server(reply) as server, pytest.raises(DatasetError) as caught:
        fetch(source(f"{server.address}/file.jsonl?sig=hidden", **changes), folder=folder)
    assert "hidden" not in str(caught.value)
    return str(caught.value)


def test_the_right_file_is_fetched_once(tmp_path: Path) -> None:
    """A download lands in its place, readable by its owner only, and is not repeated."""
    steps: list[tuple[int, int]] = []
    with Server(Reply(body=CONTENT)) as server:
        wanted = source(f"{server.address}/file.jsonl")
        (first,) = fetch(wanted, folder=tmp_path, progress=lambda *step: steps.append(step))
        (second,) = fetch(wanted, folder=tmp_path)
        assert len(server.requests) == 1
    assert (first.already, second.already) == (False, True)
    assert first.path == tmp_path / "small" / "file.jsonl"
    assert first.path.read_bytes() == CONTENT
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert names(first.path.parent) == ["file.jsonl"]
    assert len(steps) > 1
    assert steps[-1] == (len(CONTENT), len(CONTENT))


def test_a_wrong_file_in_the_place_is_replaced(tmp_path: Path) -> None:
    """A file of the same size and another content is not taken for the right one."""
    target = tmp_path / "small" / "file.jsonl"
    target.parent.mkdir()
    target.write_bytes(CONTENT[::-1])
    with Server(Reply(body=CONTENT)) as server:
        fetch(source(f"{server.address}/f"), folder=tmp_path)
    assert target.read_bytes() == CONTENT


def test_another_content_is_refused(tmp_path: Path) -> None:
    """A wrong sha256 names both hashes and leaves the place as it was."""
    target = tmp_path / "small" / "file.jsonl"
    target.parent.mkdir()
    target.write_bytes(b"mine")
    wrong = CONTENT.replace(b"0", b"1")
    text = served(Reply(body=wrong), tmp_path)
    assert SHA256 in text
    assert hashlib.sha256(wrong).hexdigest() in text
    assert "another version" in text
    assert target.read_bytes() == b"mine"
    assert names(target.parent) == ["file.jsonl"]


@pytest.mark.parametrize(
    ("body", "told"),
    [(CONTENT[:-1], "cut off"), (b"", "cut off"), (CONTENT + b"x", "more than the")],
)
def test_another_size_is_refused(tmp_path: Path, body: bytes, told: str) -> None:
    """A file of another size is refused, however much of it is right."""
    text = served(Reply(body=body), tmp_path)
    assert told in text
    assert f"{len(CONTENT):,} bytes" in text
    assert names(tmp_path / "small") == []


def test_a_size_that_is_not_pinned(tmp_path: Path) -> None:
    """Where no size was published the sha256 alone decides, once and again."""
    with Server(Reply(body=CONTENT)) as server:
        wanted = source(f"{server.address}/f", bytes=None)
        (first,) = fetch(wanted, folder=tmp_path)
        (second,) = fetch(wanted, folder=tmp_path)
    assert (first.already, second.already) == (False, True)
    assert first.bytes == second.bytes == len(CONTENT)
    (tmp_path / "small" / "file.jsonl").unlink()
    assert f"expected sha256 {SHA256}" in served(Reply(body=CONTENT[:-1]), tmp_path, bytes=None)
    assert names(tmp_path / "small") == []


def test_what_never_ends_is_stopped(tmp_path: Path) -> None:
    """A gzip bomb is given up at the pinned size, not at the end of the disk."""
    bomb = gzip.compress(bytes(300_000_000), compresslevel=9)
    assert "more than the 10 bytes" in served(Reply(body=bomb), tmp_path, bytes=10)


@pytest.mark.parametrize("reply", [Reply(body=CONTENT, cut=True), Reply(reset=True)])
def test_a_broken_connection(tmp_path: Path, reply: Reply) -> None:
    """A connection that breaks leaves nothing behind and names the way without a network."""
    text = served(reply, tmp_path)
    assert "--from" in text
    assert not (tmp_path / "small" / "file.jsonl").exists()


def test_an_orderly_end_before_the_end(tmp_path: Path) -> None:
    """A server that closes politely after half of the announced bytes has not sent the file."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def half() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
                connection.sendall(head.encode() + CONTENT[:5000])

        thread = Thread(target=half)
        thread.start()
        with pytest.raises(DatasetError, match=r"5,000 bytes|IncompleteRead"):
            fetch(source(f"http://127.0.0.1:{port}/f"), folder=tmp_path)
        thread.join()
    assert names(tmp_path / "small") == []


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_http_errors(tmp_path: Path, status: int) -> None:
    """An HTTP error is named by its number, with the host and the way without a network."""
    text = served(Reply(status=status, body=b"no"), tmp_path)
    assert f"HTTP {status}" in text
    assert "127.0.0.1" in text
    assert "medcheck fetch small --from PATH" in text


def test_no_network(tmp_path: Path) -> None:
    """Where no server answers, the message names --from."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DatasetError, match=r"refused.*medcheck fetch small --from PATH"):
        fetch(source(f"http://127.0.0.1:{port}/f"), folder=tmp_path)


def test_redirects_on_the_same_scheme(tmp_path: Path) -> None:
    """A redirect within a scheme is followed; the pinned hash decides as ever."""
    with Server(Reply(body=CONTENT)) as last:
        location = {"location": f"{last.address}/elsewhere"}
        with Server(Reply(status=302, body=b"", headers=location)) as first:
            fetch(source(f"{first.address}/f"), folder=tmp_path)
        assert [asked.path for asked in last.requests] == ["/elsewhere"]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://127.0.0.1:9/f?sig=hidden", "redirects to another scheme: https://127.0.0.1:9/f."),
        ("ftp://127.0.0.1/f", "ftp://127.0.0.1/f: not fetched from such an address"),
        ("http://data.example/f", "http://data.example/f: not fetched from such an address"),
        ("file:///etc/passwd", "HTTP 302"),
    ],
)
def test_redirects_elsewhere(tmp_path: Path, location: str, told: str) -> None:
    """No redirect leads to another scheme, or unencrypted to another machine."""
    reply = Reply(status=302, body=b"", headers={"location": location})
    assert told in served(reply, tmp_path)
    assert not (tmp_path / "small" / "file.jsonl").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://data.example/f",
        "ftp://data.example/f",
        "file:///etc/passwd",
        "https:///f",
        "https://[::1/f",
        "https://data.example:x/f",
        "https://user:hidden@data.example/f",
    ],
)
def test_addresses_that_are_not_fetched(tmp_path: Path, url: str) -> None:
    """Only https is fetched, http from this machine alone; nothing secret is repeated."""
    with pytest.raises(DatasetError) as caught:
        fetch(source(), folder=tmp_path, origin=url)
    assert "hidden" not in str(caught.value)
    assert "no network" not in str(caught.value)
    assert not (tmp_path / "small" / "file.jsonl").exists()


def test_the_proxy_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """https goes through HTTPS_PROXY; this machine's own addresses do not."""
    tunnel = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{tunnel.getsockname()[1]}")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    asked: list[bytes] = []

    def refuse() -> None:
        connection, _ = tunnel.accept()
        with connection:
            asked.append(connection.recv(10_000))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    thread = Thread(target=refuse)
    thread.start()
    with tunnel, pytest.raises(DatasetError, match="403"):
        fetch(source(), folder=tmp_path)
    thread.join()
    assert asked[0].startswith(b"CONNECT data.invalid:443")
    with Server(Reply(body=CONTENT)) as server:
        fetch(source(f"{server.address}/f"), folder=tmp_path)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that nobody signed, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    key, made = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(made)]
    subprocess.run([*command.split(), *name, *files], check=True, capture_output=True)
    return made, key


def test_certificates(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """https needs a certificate that is trusted; SSL_CERT_FILE says which."""
    with Server(Reply(body=CONTENT), certificate=certificate) as server:
        wanted = source(f"{server.address}/f")
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(DatasetError, match="certificate"):
            fetch(wanted, folder=tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        (found,) = fetch(wanted, folder=tmp_path)
    assert found.path.read_bytes() == CONTENT


def test_from_a_mirror(tmp_path: Path) -> None:
    """--from takes a file's URL, or a folder's with a slash at its end; gzip is unpacked."""
    with Server(Reply(body=gzip.compress(CONTENT))) as server:
        fetch(source(), folder=tmp_path / "a", origin=f"{server.address}/f.gz")
        fetch(source(), folder=tmp_path / "b", origin=f"{server.address}/mirror/")
        assert [asked.path for asked in server.requests] == ["/f.gz", "/mirror/file.jsonl"]
    for folder in "ab":
        assert (tmp_path / folder / "small" / "file.jsonl").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "name", ["file.jsonl", "file.jsonl.gz", "small/file.jsonl", "small/file.jsonl.gz"]
)
@pytest.mark.parametrize("named", ["file", "folder"])
def test_from_a_place_on_disk(tmp_path: Path, name: str, named: str) -> None:
    """--from takes the file or a folder that holds it, plain or gzipped in several members."""
    given = tmp_path / "given" / name
    given.parent.mkdir(parents=True)
    half = len(CONTENT) // 2
    packed = gzip.compress(CONTENT[:half]) + gzip.compress(CONTENT[half:])
    given.write_bytes(packed if name.endswith(".gz") else CONTENT)
    given.chmod(0o644)
    origin = given if named == "file" else tmp_path / "given"
    (found,) = fetch(source(), folder=tmp_path / "data", origin=str(origin))
    assert found.path.read_bytes() == CONTENT
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600
    assert given.exists()


def test_from_the_place_itself(tmp_path: Path) -> None:
    """--from the data folder finds the right file already here."""
    target = tmp_path / "small" / "file.jsonl"
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    (found,) = fetch(source(), folder=tmp_path, origin=str(target.parent))
    assert found.already


def test_what_is_wrong_with_a_place_on_disk(tmp_path: Path) -> None:
    """A missing file, an empty folder, a pipe and a damaged gzip file are each named."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(CONTENT)[:-100])
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8bnonsense")
    (tmp_path / "empty").mkdir()
    told = {
        "missing": "No such file",
        "pipe": "not a regular file",
        "cut.gz": "cannot be read",
        "bad.gz": "cannot be read",
        "empty": "holds neither file.jsonl nor file.jsonl.gz",
    }
    for name, text in told.items():
        with pytest.raises(DatasetError, match=text) as caught:
            fetch(source(), folder=tmp_path / "data", origin=str(tmp_path / name))
        assert name in str(caught.value)
    assert not (tmp_path / "data" / "small" / "file.jsonl").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that cannot be made is named, with what to do."""
    (tmp_path / "small").write_bytes(b"")
    given = tmp_path / "given"
    given.write_bytes(CONTENT)
    with pytest.raises(DatasetError, match=r"cannot write.*--to"):
        fetch(source(), folder=tmp_path, origin=str(given))


def test_several_files(tmp_path: Path) -> None:
    """A source of several files comes from a folder, not from one file; what is here stays."""
    first = source().files[0]
    second = SourceFile(url="https://data.invalid/b", path="b", sha256=SHA256, bytes=len(CONTENT))
    both = Source(name="both", title="Both", licence="MIT", files=(first, second))
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "b").write_bytes(CONTENT)
    with pytest.raises(DatasetError, match="2 files"):
        fetch(both, folder=tmp_path / "data", origin=str(tmp_path / "given" / "b"))
    (tmp_path / "given" / "file.jsonl").write_bytes(CONTENT)
    found = fetch(both, folder=tmp_path / "data", origin=str(tmp_path / "given"))
    assert [file.path.name for file in found] == ["file.jsonl", "b"]


def test_unknown_name() -> None:
    """An unknown data set names the nearest one."""
    with pytest.raises(SettingsError, match='Did you mean "healthbench"'):
        find("healthbnch")


def test_the_table_is_sound() -> None:
    """Each file is pinned, comes by https, and stays below the data folder."""
    for name, entry in sources().items():
        assert entry.name == name
        assert entry.title
        assert entry.licence
        for file in entry.files:
            assert file.url.startswith("https://")
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.bytes is None or file.bytes > 0
            assert not Path(file.path).is_absolute()
            assert ".." not in Path(file.path).parts


@pytest.mark.parametrize(
    "name",
    ["", "_hard", "_consensus", "_completions", "_meta", "_professional"],
)
def test_shipped_suites_name_what_can_be_fetched(project: Path, name: str) -> None:
    """A shipped suite pins the very file that `medcheck fetch` puts in the place it names."""
    text = (project / "cases" / f"healthbench{name}.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)["data"]
    (file,) = find(data["fetch"]).files
    assert (data["path"], data["sha256"]) == (f"data/{file.path}", file.sha256)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals() -> None:
    """A terminal sees one line, which is taken away at the end; a log file sees nothing."""
    terminal, log = _Terminal(), io.StringIO()
    for stream in (terminal, log):
        with counter("small", stream) as progress:
            progress(1_000_000, 4_000_000)
    assert terminal.getvalue() == "\rsmall: 1.0 of 4.0 MB\r\x1b[K"
    assert log.getvalue() == ""
