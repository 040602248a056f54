"""An index on this machine, and one that lies: nothing here leaves it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pitviper.config import Settings
from pitviper.errors import TargetError
from pitviper.model.place import Link
from pitviper.model.report import Report
from pitviper.scanning import Scan
from pitviper.sources import download, index
from pitviper.sources.index import Index

JSON = "application/vnd.pypi.simple.v1+json"
Answer = tuple[int, dict[str, str], bytes]


class Server:
    """Answers by path; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                server.asked.append((path, self.headers.get("Authorization")))
                answer = server.answers.get(path, (404, {}, b"nothing"))
                if callable(answer):
                    answer(self)
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/simple/"
        self.thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.thread.join()

    def json(self, *files: dict[str, object], name: str = "shop") -> None:
        page = {"meta": {"api-version": "1.0"}, "name": name, "files": list(files)}
        self.answers[f"/simple/{name}/"] = 200, {"Content-Type": JSON}, json.dumps(page).encode()

    def html(self, *links: str) -> None:
        body = "<!DOCTYPE html><html><body>" + "".join(links) + "</body></html>"
        self.answers["/simple/shop/"] = 200, {"Content-Type": "text/html"}, body.encode()

    def file(self, name: str, content: bytes, **more: object) -> dict[str, object]:
        """Serve a file, and the entry that a page has for it."""
        self.answers[f"/files/{name}"] = 200, {}, content
        hashes = {"sha256": hashlib.sha256(content).hexdigest()}
        return {"filename": name, "url": f"../../files/{name}", "hashes": hashes, **more}


def wheel(content: bytes = b"") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("shop/settings.py", content)
    return held.getvalue()


def sdist(content: bytes = b"", version: str = "1.0") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, data in (("PKG-INFO", f"Name: shop\nVersion: {version}\n\n".encode()), ("settings.py", content)):
            entry = tarfile.TarInfo(f"shop-{version}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return held.getvalue()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no netrc and no index of whoever runs the tests."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")] + [*index._VARIABLES]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def run(server: Server, target: str = "pypi:shop", **settings: object) -> tuple[Report, list[TargetError]]:
    scan = Scan([target], Settings(index_url=server.url, **settings))  # type: ignore[arg-type]  # fields of its own
    report = scan.report()
    return report, scan.unreadable


def refused(target: str, url: str) -> TargetError:
    with pytest.raises(TargetError) as caught:
        Index(target, url)
    assert str(caught.value).startswith(f"{target}: ")
    return caught.value


def leak(token: Callable[[str], str], seed: str) -> bytes:
    return f'TOKEN = "{token(seed)}"\n'.encode()


class TestRelease:
    def test_all_its_files_are_looked_into(self, server: Server, token: Callable[[str], str]) -> None:
        server.json(
            server.file("shop-1.0-py3-none-any.whl", wheel()),
            server.file("shop-1.0.tar.gz", sdist(leak(token, "sdist"))),
            server.file("shop-0.9.tar.gz", sdist(leak(token, "old"), "0.9")),
        )
        report, unreadable = run(server)
        (finding,) = report.findings
        assert finding.place.path == "pypi:shop==1.0/shop-1.0.tar.gz!/shop-1.0/settings.py"
        assert finding.place.line == 1
        assert finding.place.chain == (
            Link("distribution", "shop-1.0.tar.gz", "1.0", "shop"),
            Link("file", "shop-1.0/settings.py"),
        )
        assert (report.gaps, unreadable) == ((), [])
        assert [path for path, _ in server.asked] == [
            "/simple/shop/",
            "/files/shop-1.0-py3-none-any.whl",
            "/files/shop-1.0.tar.gz",
        ]

    def test_from_a_page_in_html(self, server: Server, token: Callable[[str], str]) -> None:
        content = sdist(leak(token, "html"))
        server.file("shop-1.0.tar.gz", content)
        digest = hashlib.sha256(content).hexdigest()
        server.html(f'<a href="../../files/shop-1.0.tar.gz#sha256={digest}">shop-1.0.tar.gz</a>')
        report, _ = run(server)
        assert [finding.place.path for finding in report.findings] == [
            "pypi:shop==1.0/shop-1.0.tar.gz!/shop-1.0/settings.py"
        ]

    def test_a_big_file(self, server: Server, token: Callable[[str], str]) -> None:
        big = wheel(os.urandom(3 << 20) + b"\n" + leak(token, "big"))
        server.json(server.file("shop-1.0-py3-none-any.whl", big), server.file("shop-1.0.tar.gz", sdist()))
        report, _ = run(server)
        assert [finding.place.path for finding in report.findings] == [
            "pypi:shop==1.0/shop-1.0-py3-none-any.whl!/shop/settings.py"
        ]

    def test_its_size(self, server: Server) -> None:
        server.json(server.file("shop-1.0.tar.gz", sdist(), size=len(sdist())), server.file("shop-1.0.zip", b""))
        source = Index("pypi:shop", server.url)
        assert source.size() == len(sdist())
        assert list(source.parts()) == [source]

    @pytest.mark.parametrize("variable", index._VARIABLES)
    def test_the_index_of_the_environment(self, server: Server, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
        server.json(server.file("shop-1.0.tar.gz", sdist()))
        monkeypatch.setenv(index._VARIABLES[1], "http://127.0.0.1:9/")
        monkeypatch.setenv(variable, server.url)
        assert Index("pypi:shop").size() == 0

    def test_a_name_is_normalised(self, server: Server) -> None:
        server.json(server.file("my_shop-1.0.tar.gz", sdist()), name="my-shop")
        Index("pypi:My.Shop", server.url)
        assert server.asked[0][0] == "/simple/my-shop/"


class TestVersions:
    @pytest.fixture
    def pages(self, server: Server) -> Server:
        files = [server.file(f"shop-{version}.tar.gz", sdist(version=version)) for version in ("1.0", "1.5", "3.0a1")]
        yanked = server.file("shop-2.0.tar.gz", sdist(), yanked="broken")
        server.json(*files, yanked, server.file("shop.txt", b""))
        return server

    @pytest.mark.parametrize(
        ("wanted", "version"),
        [
            ("", "1.5"),
            ("==1.0", "1.0"),
            (" == 1", "1.0"),
            ("==1.*", "1.5"),
            (">=1,<1.5", "1.0"),
            ("==2.0", "2.0"),
            ("===2.0", "2.0"),
            (">=3.0a0", "3.0a1"),
            ("!=1.5", "1.0"),
        ],
    )
    def test_the_newest_that_is_wanted(self, pages: Server, wanted: str, version: str) -> None:
        assert str(Index(f"pypi:shop{wanted}", pages.url)._version) == version

    @pytest.mark.parametrize(
        ("wanted", "why"),
        [
            (">=9", "no version matches >=9"),
            (">=2.0,<3.0.dev0", "all versions that match are yanked"),
        ],
    )
    def test_none_that_is_wanted(self, pages: Server, wanted: str, why: str) -> None:
        error = refused(f"pypi:shop{wanted}", pages.url)
        assert why in str(error)
        assert "3.0a1" in error.hint

    @pytest.mark.parametrize("text", ["", "shop[extra]", "shop @ http://x/y.whl", "shop; os_name=='nt'", "../a", "a b"])
    def test_what_is_no_release(self, text: str) -> None:
        error = refused(f"pypi:{text}", "http://127.0.0.1:9/")
        assert "NAME==1.0" in error.hint


class TestIndexThatFails:
    def test_no_such_project(self, server: Server) -> None:
        error = refused("pypi:shop", server.url)
        assert str(error) == f"pypi:shop: the index {server.url} has no project of this name"
        assert error.hint == "Check the spelling, and --index-url."

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            ((500, {}, b""), "answers with HTTP 500"),
            ((401, {}, b""), "is not for everyone (HTTP 401)"),
            ((200, {"Content-Type": "text/html"}, b"\0\xff<a href=<<<>&#xffffffff;"), "has no files"),
            ((200, {"Content-Type": "text/html"}, b"<a href='http://[/'>shop-1.0.tar.gz</a>"), "no page of an index"),
            ((200, {"Content-Type": JSON}, b"{"), "no page of an index"),
            ((200, {"Content-Type": JSON}, b"[" * 100_000), "no page of an index"),
            ((200, {"Content-Type": JSON}, b'{"files": 1}'), "no page of an index"),
            ((200, {"Content-Type": "image/png"}, b"\x89PNG"), "has no files"),
            ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "breaks off: DecodingError"),
        ],
    )
    def test_answers_that_are_no_good(self, server: Server, answer: Answer, why: str) -> None:
        server.answers["/simple/shop/"] = answer
        error = refused("pypi:shop", server.url)
        assert why in str(error)
        assert error.hint

    def test_nobody_listens(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            error = refused("pypi:shop", f"http://127.0.0.1:{taken.getsockname()[1]}/")
        assert "127.0.0.1 cannot be reached" in str(error)

    def test_no_answer(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(download, "SILENCE", 0.1)
        silent = threading.Event()

        def wait(_: BaseHTTPRequestHandler) -> None:
            silent.wait(5)

        server.answers["/simple/shop/"] = wait
        try:
            assert "127.0.0.1 does not answer in time" in str(refused("pypi:shop", server.url))
        finally:
            silent.set()

    def test_a_page_without_end(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index, "_LONGEST_PAGE", 100_000)
        server.answers["/simple/shop/"] = endless
        assert "sends more than 100,000 bytes" in str(refused("pypi:shop", server.url))

    def test_one_that_is_too_slow(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(download, "_PATIENCE", 0.0)
        monkeypatch.setattr(download, "_SLOWEST", 1 << 60)
        server.json()
        assert "sends too slowly" in str(refused("pypi:shop", server.url))

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc", "simple", "http://", "http://[", "http://a:b/"])
    def test_no_address(self, url: str) -> None:
        assert "--index-url" in refused("pypi:shop", url).hint

    def test_is_told_with_exit_3(self, server: Server) -> None:
        report, unreadable = run(server)
        assert [gap.path for gap in report.gaps] == ["pypi:shop"]
        assert len(unreadable) == 1


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Sends until nobody listens any more."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


class TestFileThatFails:
    def test_another_than_promised_is_not_looked_into(self, server: Server, token: Callable[[str], str]) -> None:
        good = server.file("shop-1.0-py3-none-any.whl", wheel(leak(token, "good")))
        bad = server.file("shop-1.0.tar.gz", sdist(leak(token, "bad")))
        bad["hashes"] = {"sha256": "0" * 64}
        server.json(bad, good)
        report, (error,) = run(server)
        assert [finding.place.path for finding in report.findings] == [
            "pypi:shop==1.0/shop-1.0-py3-none-any.whl!/shop/settings.py"
        ]
        (gap,) = report.gaps
        assert gap.path == "pypi:shop==1.0/shop-1.0.tar.gz"
        assert f"the index promises {'0' * 64}: it was not looked into" in gap.detail
        assert str(error) == f"{gap.path}: {gap.detail}"
        assert error.hint

    @pytest.mark.parametrize("hashes", [{}, {"blake2b": "00"}, {"SHA512": hashlib.sha512(b"x").hexdigest().upper()}])
    def test_with_other_hashes_or_none(self, server: Server, hashes: dict[str, str]) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x") | {"hashes": hashes})
        assert run(server)[1] == []

    def test_gone(self, server: Server) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x"))
        del server.answers["/files/shop-1.0.tar.gz"]
        report, (error,) = run(server)
        assert report.gaps[0].detail == f"http://{server.host}/files/shop-1.0.tar.gz does not exist"
        assert str(error).startswith("pypi:shop==1.0/shop-1.0.tar.gz: ")

    def test_without_end(self, server: Server) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x"))
        server.answers["/files/shop-1.0.tar.gz"] = endless
        report, unreadable = run(server, max_expanded=1_000_000)
        assert "sends more than 1,000,000 bytes" in report.gaps[0].detail
        assert len(unreadable) == 1

    def test_longer_than_promised(self, server: Server) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x" * 1000, size=10))
        assert "sends more than 10 bytes" in run(server)[0].gaps[0].detail

    def test_cut_short(self, server: Server) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x"))
        server.answers["/files/shop-1.0.tar.gz"] = 200, {"Content-Length": "100"}, b"x"
        assert run(server)[0].gaps[0].detail == "127.0.0.1 breaks off: RemoteProtocolError"

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "//[/", "http://127.0.0.1:x/"])
    def test_somewhere_odd(self, server: Server, url: str) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x") | {"url": url})
        report, unreadable = run(server)
        assert report.findings == ()
        assert len(report.gaps) == len(unreadable) == 1

    def test_with_a_name_to_steer_with(self, server: Server, token: Callable[[str], str]) -> None:
        odd = server.file("shop-1.0.tar.gz", sdist(leak(token, "odd")))
        server.json(odd | {"filename": "../\x1b[2J/shop-1.0.tar.gz"}, odd)
        paths = [gap.path for gap in run(server)[0].gaps] + [one.place.path for one in run(server)[0].findings]
        assert all(path.isprintable() for path in paths)


class TestRedirects:
    @pytest.fixture
    def other(self) -> Iterator[Server]:
        running = Server()
        yield running
        running.close()

    def test_to_another_host_go_without_credentials(self, server: Server, other: Server) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x"))
        server.answers["/files/shop-1.0.tar.gz"] = 302, {"Location": f"http://{other.host}/elsewhere"}, b""
        other.answers["/elsewhere"] = 200, {}, b"x"
        report = Scan(["pypi:shop"], Settings(index_url=f"http://user:word@{server.host}/simple")).report()
        assert report.gaps == ()
        assert other.asked == [("/elsewhere", None)]
        assert {authorization for _, authorization in server.asked} == {
            f"Basic {base64.b64encode(b'user:word').decode()}"
        }

    @pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://a"])
    def test_to_another_protocol_are_refused(self, server: Server, location: str) -> None:
        server.answers["/simple/shop/"] = 302, {"Location": location}, b""
        assert "which is not https" in str(refused("pypi:shop", server.url))

    def test_in_circles(self, server: Server) -> None:
        server.answers["/simple/shop/"] = 301, {"Location": "/simple/shop/"}, b""
        assert "redirects in circles" in str(refused("pypi:shop", server.url))
        assert len(server.asked) == 6

    def test_of_a_page_move_its_links(self, server: Server) -> None:
        server.json(server.file("shop-1.0.tar.gz", b"x"))
        server.answers["/mirror/a/b/"] = server.answers["/simple/shop/"]
        server.answers["/simple/shop/"] = 308, {"Location": "/mirror/a/b/"}, b""
        server.answers["/mirror/files/shop-1.0.tar.gz"] = 200, {}, b"x"
        assert run(server)[1] == []


class TestCredentials:
    def test_are_never_shown(self, server: Server) -> None:
        error = refused("pypi:shop", f"http://user:w0rd@{server.host}/simple/?key=w0rd")
        assert "w0rd" not in str(error)
        assert server.asked[0][1] is not None

    def test_of_netrc(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password word\n")
        (tmp_path / "netrc").chmod(0o600)
        server.json(server.file("shop-1.0.tar.gz", b"x"))
        run(server)
        assert {authorization for _, authorization in server.asked} == {
            f"Basic {base64.b64encode(b'user:word').decode()}"
        }

    def test_of_a_netrc_that_is_broken(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "netrc").write_bytes(b"machine\xff")
        server.json(server.file("shop-1.0.tar.gz", b"x"))
        assert run(server)[1] == []


def test_nothing_of_it_is_imported_before_it_is_needed() -> None:
    code = "import sys, pitviper.scanning; print({'httpx', 'pypi_simple', 'requests', 'packaging'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
