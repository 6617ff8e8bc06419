"""Downloads of public tables against a server on this machine: good, wrong, gone, cut, none."""

from __future__ import annotations

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from isoflop.errors import DataError
from isoflop.runs.public import show
from isoflop.runs.public.download import download
from isoflop.runs.public.registry import File
from isoflop.runs.public.tables import from_files

GOOD = b"C,N,D,loss\n6e18,1e8,1e10,3.5\n6e19,3e8,3.3e10,3.0\n"
SHA256 = hashlib.sha256(GOOD).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves `df.csv` as asked for by the repository's owner in the address."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.server.asked.append(kind)
        if kind == "gone":
            self.send_error(404)
            return
        body = GOOD + b"1e20,1e9,1e10,2.9\n" if kind == "changed" else GOOD
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:20] if kind == "cut" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.delenv("ISOFLOP_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.asked = []
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def entry(server, kind):
    return msgspec.structs.replace(
        show("kyotakano-chinchilla-example"),
        name="two-runs",
        repository=f"{kind}/repository",
        files=(File("data/df.csv", SHA256),),
        rows=2,
        digest="",
        host=f"http://127.0.0.1:{server.server_port}",
    )


def test_a_good_file_is_stored_once_and_converted(server, tmp_path):
    told = []
    wanted = entry(server, "good")
    paths = download(wanted, lambda done, total: told.append((done, total)))
    assert [path.read_bytes() for path in paths] == [GOOD]
    assert paths[0].is_relative_to(tmp_path / "cache")
    assert told == [(1, 1)]
    table = from_files(wanted, paths)
    assert table["N"].tolist() == [1e8, 3e8]
    assert (table.convention.N, table.convention.loss) == ("all", "nats/token")
    assert download(wanted) == paths
    assert server.asked == ["good"]  # the second time it was there


def test_a_broken_file_in_the_cache_is_downloaded_again(server):
    (path,) = download(entry(server, "good"))
    path.write_bytes(GOOD[:10])
    download(entry(server, "good"))
    assert path.read_bytes() == GOOD
    assert server.asked == ["good", "good"]


def test_a_wrong_hash_keeps_nothing(server, tmp_path):
    with pytest.raises(DataError, match=rf"has sha256 [0-9a-f]{{64}}, not {SHA256}"):
        download(entry(server, "changed"))
    assert not list(tmp_path.rglob("*.csv"))


@pytest.mark.parametrize(
    ("kind", "words"), [("gone", "answered 404 Not Found"), ("cut", "broke off before its end")]
)
def test_what_a_server_may_do(server, tmp_path, kind, words):
    with pytest.raises(DataError, match=words) as caught:
        download(entry(server, kind))
    assert "isoflop data fetch two-runs" in caught.value.do
    assert "ISOFLOP_DATA" in caught.value.do
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_network(server):
    with socket.socket() as free:  # a port on which nothing listens
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    offline = msgspec.structs.replace(entry(server, "good"), host=f"http://127.0.0.1:{port}")
    with pytest.raises(DataError, match="cannot be reached") as caught:
        download(offline)
    assert caught.value.exit_code == 2


def test_other_rows_than_registered_are_refused(server):
    more = msgspec.structs.replace(entry(server, "good"), rows=3)
    with pytest.raises(DataError, match="2 rows, not 3"):
        from_files(more, download(more))
    other = msgspec.structs.replace(entry(server, "good"), digest="0" * 64)
    with pytest.raises(DataError, match="digest"):
        from_files(other, download(other))


def test_a_table_without_a_published_file_says_so(server):
    with pytest.raises(DataError, match="no published file"):
        download(show("cpu_mini_sweep"))
