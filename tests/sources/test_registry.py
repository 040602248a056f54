from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import random
import select
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import tarfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from pitviper.config import Settings
from pitviper.engine.data import Data
from pitviper.errors import TargetError, UsageError
from pitviper.model.place import Link
from pitviper.scanning import Scan
from pitviper.sources import open_target, registry
from pitviper.sources.image_reference import Reference, parse
from pitviper.sources.registry import Refused, Registry
from pitviper.sources.registry_image import Image

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYER = b"a layer" * 50_000
CONFIG = b'{"os":"linux","architecture":"amd64"}'
AMD64 = {"os": "linux", "architecture": "amd64"}


def digest(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def name(of: str) -> str:
    return "blobs/" + of.replace(":", "/")


def described(content: bytes, media_type: str = "", **more: object) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content), **more}


def manifest(*layers: bytes, config: bytes = CONFIG, media_type: str = OCI_MANIFEST) -> bytes:
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": described(config),
            "layers": [described(layer) for layer in layers],
        }
    ).encode()


def index(*entries: dict[str, object], media_type: str = OCI_INDEX) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": list(entries)}).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers as the fake registry has it."""

    protocol_version = "HTTP/1.1"
    server: Fake

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        self.server.asked.append((self.path, dict(self.headers), self.body))
        route = self.server.routes.get(self.path.partition("?")[0])
        if route is None:
            self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        else:
            route(self)

    do_POST = do_GET  # noqa: N815 - so the base class calls it

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cut(self, body: bytes, count: int, status: int = 200, **headers: str) -> None:
        """Promise `body`, send `count` bytes, hang up."""
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:count])
        self.close_connection = True

    @property
    def start(self) -> int:
        """Where the range that is asked for begins."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))


Route = Callable[[Handler], None]


class Fake(ThreadingHTTPServer):
    """A registry in memory, on a port of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, Route] = {"/v2/": sends(b"{}")}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.host = f"127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""

    def manifest(self, content: bytes, media_type: str = OCI_MANIFEST, tag: str = "latest") -> str:
        for wanted in (tag, digest(content)):
            self.routes[f"/v2/a/b/manifests/{wanted}"] = sends(content, Content_Type=media_type)
        return digest(content)

    def blob(self, content: bytes, route: Route | None = None) -> str:
        self.routes[f"/v2/a/b/blobs/{digest(content)}"] = route or sends(content)
        return name(digest(content))

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked if path != "/v2/"]

    def open(self, wanted: str = ":latest", platform: str = "linux/amd64", most: int = 1 << 30) -> Image:
        return Image(f"image:{self.host}/a/b{wanted}", platform, most)

    def refusal(self, wanted: str = ":latest", platform: str = "linux/amd64") -> tuple[str, str]:
        """Why the image cannot be opened, and the hint."""
        with pytest.raises(TargetError) as caught:
            self.open(wanted, platform)
        before, _, why = str(caught.value).partition(f"image:{self.host}/a/b{wanted}: ")
        assert not before
        return why, caught.value.hint


def sends(content: bytes, status: int = 200, **headers: str) -> Route:
    return lambda handler: handler.answer(status, content, **headers)


def in_turn(*routes: Route) -> Route:
    """One route after the other."""
    left = iter(routes)

    def answer(handler: Handler) -> None:
        next(left)(handler)

    return answer


def serve(fake: Fake) -> Iterator[Fake]:
    thread = threading.Thread(target=fake.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield fake
    fake.shutdown()
    fake.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No credentials or proxies of whoever runs the tests, and no waiting."""
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "BACKOFF", (0.0,) * 5)
    return tmp_path


@pytest.fixture
def fake() -> Iterator[Fake]:
    yield from serve(Fake())


@pytest.fixture
def elsewhere() -> Iterator[Fake]:
    """Where a registry sends us for blobs."""
    yield from serve(Fake())


@pytest.fixture
def image(fake: Fake) -> Fake:
    """A registry with an image of one layer."""
    fake.manifest(manifest(LAYER))
    fake.blob(CONFIG)
    fake.blob(LAYER)
    return fake


def contents(image: Image) -> dict[str, bytes]:
    """What is on the shelf of `image`; of what cannot be had, why."""
    (pack,) = packs = list(image.read(lambda: bytearray(8)))
    assert packs == [pack]
    ((_, shelf),) = pack.shelves
    found = {}
    for one in shelf.names():
        try:
            found[one] = whole(shelf.get(one))
        except OSError as error:
            found[one] = (error.strerror or "").encode()
    image._registry.close()
    return found


def whole(data: Data | None) -> bytes:
    assert data is not None
    return data.read(0, data.size)


def login(folder: Path, host: str, **entry: str) -> None:
    entry = entry or {"auth": base64.b64encode(b"ann:hunter2").decode()}
    (folder / "config.json").write_text(json.dumps({"auths": {host: entry}}))


class TestReferences:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("alpine", Reference("docker.io", "library/alpine", "latest")),
            ("alpine:3.20", Reference("docker.io", "library/alpine", "3.20")),
            ("ann/app", Reference("docker.io", "ann/app", "latest")),
            ("docker.io/alpine", Reference("docker.io", "library/alpine", "latest")),
            ("index.docker.io/alpine", Reference("docker.io", "library/alpine", "latest")),
            ("ghcr.io/ann/app:v1", Reference("ghcr.io", "ann/app", "v1")),
            ("host:5000/app", Reference("host:5000", "app", "latest")),
            ("localhost/app", Reference("localhost", "app", "latest")),
            ("LOCAL/app", Reference("LOCAL", "app", "latest")),
            ("[::1]:5000/a/b:c", Reference("[::1]:5000", "a/b", "c")),
            ("a__b/c.d-e", Reference("docker.io", "a__b/c.d-e", "latest")),
            (f"app@{digest(b'')}", Reference("docker.io", "library/app", "", digest(b""))),
            (f"app:1@{digest(b'', 'sha512')}", Reference("docker.io", "library/app", "1", digest(b"", "sha512"))),
        ],
    )
    def test_are_read_as_docker_reads_them(self, text: str, wanted: Reference) -> None:
        assert parse(text) == wanted

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "repository"),
            (":tag", "repository"),
            ("ghcr.io/", "repository"),
            ("App", "repository"),
            ("ghcr.io/a//b", "repository"),
            ("ghcr.io/../b", "repository"),
            ("ghcr.io/a/b?c", "repository"),
            ("a/" * 150 + "b", "repository"),
            ("https://ghcr.io/a/b", "registry"),
            ("-a.example/b", "registry"),
            ("user:pass@ghcr.io/a", "digest"),
            ("ghcr.io/a:b c", "tag"),
            ("ghcr.io/a:é", "tag"),
            ("ghcr.io/a:" + "t" * 129, "tag"),
            ("app@md5:0", "digest"),
            ("app@sha256:" + "0" * 63, "digest"),
            ("app@" + digest(b"") + "\n", "digest"),
            ("evil.example:99999999/a", "registry"),
        ],
    )
    def test_that_are_none(self, text: str, why: str) -> None:
        with pytest.raises(TargetError, match=why) as caught:
            Image(f"image:{text}", "linux/amd64", 1)
        assert "image:REGISTRY/REPOSITORY:TAG" in caught.value.hint

    def test_where_the_default_registry_answers(self) -> None:
        assert parse("alpine").api == "registry-1.docker.io"
        assert parse("ghcr.io/a").api == "ghcr.io"


class TestImages:
    def test_its_place(self, image: Fake) -> None:
        opened = image.open()
        top = digest(manifest(LAYER))
        assert opened.path == opened.whole == f"{image.host}/a/b:latest"
        assert opened.chain == (Link("image", opened.path, digest=top),)
        assert list(opened.parts()) == [opened]
        assert opened.size() == 0

    def test_is_an_oci_layout(self, image: Fake) -> None:
        found = contents(image.open())
        top = manifest(LAYER)
        assert found.pop("oci-layout") == b'{"imageLayoutVersion":"1.0.0"}'
        assert json.loads(found.pop("index.json")) == {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                {
                    **described(top, OCI_MANIFEST),
                    "annotations": {"org.opencontainers.image.ref.name": f"{image.host}/a/b:latest"},
                }
            ],
        }
        assert found == {name(digest(content)): content for content in (top, CONFIG, LAYER)}

    def test_its_size(self, image: Fake) -> None:
        shelf = image.open()._shelf
        assert shelf.size == sum(map(len, contents(image.open()).values()))
        assert shelf.get("blobs/sha256/other") is None

    @pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST, "application/json"])
    def test_kinds_of_manifests(self, image: Fake, media_type: str) -> None:
        image.manifest(manifest(LAYER), media_type)
        assert contents(image.open())[name(digest(LAYER))] == LAYER

    def test_blobs_are_loaded_when_they_are_asked_for(self, image: Fake) -> None:
        shelf = image.open()._shelf
        assert image.paths() == ["/v2/a/b/manifests/latest"]
        kept = shelf.get(name(digest(LAYER)))
        assert shelf.get(name(digest(LAYER))) is kept
        assert len(image.paths()) == 2
        shelf._registry.close()

    def test_by_digest(self, image: Fake) -> None:
        wanted = f"@{digest(manifest(LAYER))}"
        assert contents(image.open(wanted))[name(digest(LAYER))] == LAYER
        assert image.open(wanted).path.endswith(wanted)

    def test_sha512(self, fake: Fake) -> None:
        strong = digest(LAYER, "sha512")
        top = {"schemaVersion": 2, "config": described(b""), "layers": [{"digest": strong, "size": len(LAYER)}]}
        fake.manifest(json.dumps(top).encode())
        fake.routes[f"/v2/a/b/blobs/{strong}"] = sends(LAYER)
        found = contents(fake.open())
        assert found[name(strong)] == LAYER
        assert found[name(digest(b""))] == b""

    def test_nothing_is_kept_in_the_file_system(
        self, image: Fake, alone: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(alone))
        shelf = image.open()._shelf
        data = shelf.get(name(digest(LAYER)))
        assert whole(data) == LAYER
        assert list(alone.iterdir()) == []
        shelf._registry.close()

    def test_the_limit(self, image: Fake) -> None:
        found = contents(image.open(most=len(CONFIG) + len(LAYER) - 1))
        assert found[name(digest(CONFIG))] == CONFIG
        assert found[name(digest(LAYER))] == b"it has 350,000 bytes, more than the limit leaves"

    def test_layers_with_names_that_are_none(self, fake: Fake) -> None:
        layers = [{"digest": "sha256:../../../etc", "size": 1}, {"digest": "md5:0", "size": 1}]
        fake.manifest(json.dumps({"schemaVersion": 2, "layers": layers}).encode())
        assert len(contents(fake.open())) == 3


class TestTargets:
    def test_are_named_by_a_prefix(self, image: Fake) -> None:
        source = open_target(f"image:{image.host}/a/b", platform="all", most=10)
        assert isinstance(source, Image)
        assert contents(source)[name(digest(LAYER))].startswith(b"it has 350,000 bytes")

    def test_only_they_need_a_client(self) -> None:
        program = "import sys, pitviper.sources; sys.exit('httpx' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

    @pytest.mark.parametrize("platform", ["all", "linux/arm/v7", "linux/x86_64", "windows/amd64"])
    def test_platforms(self, platform: str) -> None:
        assert Settings(platform=platform).platform == platform

    @pytest.mark.parametrize("platform", ["", "linux", "linux/", "linux/arm/v7/x", "Linux/amd64", "linux amd64"])
    def test_platforms_that_are_none(self, platform: str) -> None:
        with pytest.raises(UsageError, match="neither `all` nor a platform such as linux/arm64"):
            Settings(platform=platform)


class TestPlatforms:
    @pytest.fixture
    def many(self, fake: Fake) -> dict[str, bytes]:
        images = {}
        entries = []
        for platform in (
            "linux/amd64",
            "linux/arm/v6",
            "linux/arm/v7",
            "linux/arm64",
            "windows/amd64",
            "unknown/unknown",
        ):
            content = images[platform] = manifest(platform.encode())
            fake.manifest(content, tag="unused")
            fake.blob(platform.encode())
            parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
            entries.append(described(content, OCI_MANIFEST, platform=parts))
        fake.blob(CONFIG)
        fake.manifest(index(*entries), OCI_INDEX)
        return images

    @pytest.mark.parametrize(
        ("platform", "wanted"),
        [
            ("linux/amd64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("linux/arm", "linux/arm/v6"),
            ("linux/arm64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("windows/amd64", "windows/amd64"),
        ],
    )
    def test_one_of_them(self, fake: Fake, many: dict[str, bytes], platform: str, wanted: str) -> None:
        found = contents(fake.open(platform=platform))
        (entry,) = json.loads(found["index.json"])["manifests"]
        assert entry["digest"] == digest(many[wanted])
        assert "/".join(entry["platform"].values()) == wanted
        assert found[name(digest(wanted.encode()))] == wanted.encode()
        assert len(found) == 6  # and the index as the registry has it

    def test_all(self, fake: Fake, many: dict[str, bytes]) -> None:
        found = contents(fake.open(platform="all"))
        entries = json.loads(found["index.json"])["manifests"]
        assert [entry["digest"] for entry in entries] == [digest(content) for content in many.values()]
        assert all(found[name(digest(platform.encode()))] == platform.encode() for platform in many)

    @pytest.mark.usefixtures("many")
    @pytest.mark.parametrize("platform", ["linux/s390x", "linux/arm64/v9", "linux/arm/v5"])
    def test_one_that_is_missing(self, fake: Fake, platform: str) -> None:
        there = "linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64, windows/amd64, unknown/unknown"
        assert fake.refusal(platform=platform) == (
            f"the image is not made for {platform}, but for {there}",
            "Choose one with --platform, or all of them with --platform all.",
        )

    def test_one_that_cannot_be_had_among_all(self, fake: Fake, many: dict[str, bytes]) -> None:
        broken = digest(many["linux/arm64"])
        fake.routes[f"/v2/a/b/manifests/{broken}"] = sends(manifest(), Content_Type=OCI_MANIFEST)
        found = contents(fake.open(platform="all"))
        assert found[name(broken)].decode() == f"the registry sent another manifest than {broken}"
        assert found[name(digest(b"windows/amd64"))] == b"windows/amd64"
        assert "another manifest" in fake.refusal(platform="linux/arm64")[0]

    def test_docker_lists_and_lists_in_lists(self, fake: Fake) -> None:
        content = manifest(LAYER, media_type=DOCKER_MANIFEST)
        inner = index(described(content, DOCKER_MANIFEST, platform=AMD64), media_type=DOCKER_INDEX)
        fake.manifest(content, DOCKER_MANIFEST, "unused")
        fake.manifest(inner, DOCKER_INDEX, "unused")
        fake.manifest(index(described(inner, DOCKER_INDEX)), OCI_INDEX)
        fake.blob(LAYER)
        assert contents(fake.open())[name(digest(LAYER))] == LAYER

    def test_lists_without_end(self, fake: Fake) -> None:
        content = index()
        for _ in range(6):
            content = index(described(content, OCI_INDEX))
            fake.manifest(content, OCI_INDEX)
        assert fake.refusal()[0] == "the index has too many images, or indexes in indexes"

    def test_too_many(self, fake: Fake) -> None:
        entries = [described(str(number).encode(), OCI_MANIFEST, platform=AMD64) for number in range(1001)]
        fake.manifest(index(*entries), OCI_INDEX)
        assert fake.refusal()[0] == "the index has too many images, or indexes in indexes"

    def test_an_empty_list(self, fake: Fake) -> None:
        fake.manifest(index(), OCI_INDEX)
        assert fake.refusal() == ("the image is not made for linux/amd64, but for nothing", "")

    def test_one_without_a_platform(self, fake: Fake) -> None:
        content = manifest()
        fake.manifest(content, tag="unused")
        fake.manifest(index(described(content, OCI_MANIFEST)), OCI_INDEX)
        assert name(digest(content)) in contents(fake.open())


class TestRefusedDocuments:
    @pytest.mark.parametrize(
        ("content", "media_type", "why"),
        [
            (b"<html>", "text/html; charset=utf-8", "the registry sent text/html, which is no manifest of an image"),
            (manifest(), "", "the registry sent something, which is no manifest of an image"),
            (b"{", OCI_MANIFEST, "the registry sent a manifest that is malformed"),
            (b"[]", OCI_MANIFEST, "the registry sent a manifest that is malformed"),
            (b'{"x":' + b"[" * 100_000, OCI_MANIFEST, "the registry sent a manifest that is malformed"),
            (b"\xff", OCI_MANIFEST, "the registry sent a manifest that is malformed"),
            (b'{"layers":[{"digest":"x","size":-1}]}', OCI_MANIFEST, "the registry sent a manifest that is malformed"),
            (b'{"layers":[{"digest":"x"}]}', OCI_MANIFEST, "the registry sent a manifest that is malformed"),
            (b"{}", OCI_MANIFEST, "the registry sent a manifest that is malformed: neither an index nor an image"),
            (b'{"layers":[],"manifests":[]}', OCI_MANIFEST, "the registry sent a manifest that is malformed: neither"),
            (index(), OCI_MANIFEST, "the registry sent a manifest that is malformed: it is not what its type says"),
            (b'{"schemaVersion":1,"fsLayers":[]}', "application/json", "a manifest of schema 1, which is not read"),
            (b"", "application/vnd.docker.distribution.manifest.v1+prettyjws", "a manifest of schema 1, which"),
            (b" " * (4 << 20) + b"{}", OCI_MANIFEST, "the registry sends a document of more than 4,194,304 bytes"),
            (index({"digest": "md5:0", "size": 1}), OCI_INDEX, "the index names an image by a digest that is neither"),
        ],
    )
    def test_are_told(self, fake: Fake, content: bytes, media_type: str, why: str) -> None:
        fake.manifest(content, media_type)
        assert fake.refusal()[0].startswith(why)

    def test_another_than_was_asked_for(self, fake: Fake) -> None:
        wanted = digest(b"other")
        fake.routes[f"/v2/a/b/manifests/{wanted}"] = sends(manifest(), Content_Type=OCI_MANIFEST)
        assert fake.refusal(f"@{wanted}")[0] == f"the registry sent another manifest than {wanted}"

    def test_another_than_the_registry_says(self, fake: Fake) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = sends(
            manifest(), Content_Type=OCI_MANIFEST, Docker_Content_Digest=digest(b"other")
        )
        assert fake.refusal()[0] == f"the registry sent another manifest than {digest(b'other')}"

    def test_an_endless_one(self, fake: Fake) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = endless
        assert fake.refusal()[0] == "the registry sends a document of more than 4,194,304 bytes"


def endless(handler: Handler) -> None:
    """A body that never ends."""
    handler.send_response(200)
    handler.send_header("Content-Type", OCI_MANIFEST)
    handler.end_headers()
    handler.close_connection = True
    while True:
        handler.wfile.write(b"x" * 65536)


class TestBlobs:
    def layer(self, fake: Fake, route: Route) -> bytes:
        """What becomes of the layer if the registry answers so; the configuration is there all the same."""
        fake.blob(LAYER, route)
        found = contents(fake.open())
        assert found[name(digest(CONFIG))] == CONFIG
        return found[name(digest(LAYER))]

    def test_a_cut_connection(self, image: Fake) -> None:
        def cut(handler: Handler) -> None:
            start = handler.start
            more = {"Content_Range": f"bytes {start}-{len(LAYER) - 1}/{len(LAYER)}"} if start else {}
            handler.cut(LAYER[start:], 100_000, 206 if start else 200, **more)

        assert self.layer(image, cut) == LAYER
        ranges = [headers.get("Range") for path, headers, _ in image.asked if path.endswith(digest(LAYER))]
        assert ranges[0] is None
        assert len(ranges) == 4
        assert all(one and one.startswith("bytes=") for one in ranges[1:])

    def test_a_registry_that_knows_no_ranges(self, image: Fake) -> None:
        cuts = iter((100_000, 200_000, len(LAYER)))
        assert self.layer(image, lambda handler: handler.cut(LAYER, next(cuts))) == LAYER

    def test_another_range(self, image: Fake) -> None:
        def cut(handler: Handler) -> None:
            if handler.start:
                handler.answer(206, LAYER, Content_Range=f"bytes 0-{len(LAYER) - 1}/{len(LAYER)}")
            else:
                handler.cut(LAYER, 1000)

        assert self.layer(image, cut) == b"the registry sent another range of bytes than was asked for"

    def test_one_that_breaks_again_and_again(self, image: Fake) -> None:
        why = self.layer(image, lambda handler: handler.cut(LAYER, 0))
        assert why == b"the connection to the registry broke (RemoteProtocolError)"
        assert len([path for path in image.paths() if path.endswith(digest(LAYER))]) == 6

    def test_one_that_ends_early(self, image: Fake) -> None:
        why = self.layer(image, sends(LAYER[:9]))
        assert why == b"the connection ended after 9 of 350,000 bytes"

    def test_a_wrong_digest(self, image: Fake) -> None:
        why = self.layer(image, sends(LAYER[::-1]))
        assert why.decode() == f"the registry sent other bytes than those of {digest(LAYER)}"

    def test_an_endless_body(self, image: Fake) -> None:
        why = self.layer(image, endless)
        assert why == b"the registry sends more than the 350,000 bytes that the manifest tells of"

    def test_a_bomb_is_not_unpacked(self, image: Fake) -> None:
        why = self.layer(image, sends(gzip.compress(LAYER), Content_Encoding="gzip"))
        assert b"ended after" in why

    def test_a_slow_body(self, image: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "PATIENCE", 0.05)
        monkeypatch.setattr(registry, "SLOWEST", 1 << 40)

        def slow(handler: Handler) -> None:
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            for _ in range(20):
                handler.wfile.write(b"x")
                time.sleep(0.02)

        assert self.layer(image, slow) == b"the registry sends too slowly"

    def test_one_that_is_missing_is_asked_for_once(self, image: Fake) -> None:
        image.blob(LAYER, sends(b'{"errors":[{"code":"BLOB_UNKNOWN"}]}', 404))
        shelf = image.open()._shelf
        for _ in range(2):
            with pytest.raises(OSError, match="the registry does not have it"):
                shelf.get(name(digest(LAYER)))
        assert len(image.paths()) == 2
        shelf._registry.close()

    def test_a_full_disk(self, image: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(registry._Download, "add", full)
        assert contents(image.open())[name(digest(LAYER))] == b"No space left on device"


class TestRedirects:
    def test_are_followed_without_credentials(self, image: Fake, elsewhere: Fake, alone: Path) -> None:
        login(alone, image.host)
        realm = f'Basic realm="{image.host}"'
        image.routes["/v2/a/b/manifests/latest"] = guarded(
            image.routes["/v2/a/b/manifests/latest"], realm, "Basic YW5uOmh1bnRlcjI="
        )
        image.blob(LAYER, sends(b"", 307, Location=f"http://{elsewhere.host}/layer?signature=hunter3"))
        elsewhere.routes["/layer"] = sends(LAYER)
        assert contents(image.open())[name(digest(LAYER))] == LAYER
        ((_, headers, _),) = elsewhere.asked
        assert "Authorization" not in headers
        sent = [headers.get("Authorization") for path, headers, _ in image.asked if "blobs" in path]
        assert sent == ["Basic YW5uOmh1bnRlcjI="] * 2

    def test_a_broken_connection_behind_one(self, image: Fake, elsewhere: Fake) -> None:
        image.blob(LAYER, sends(b"", 302, Location=f"http://{elsewhere.host}/layer"))

        def cut(handler: Handler) -> None:
            start = handler.start
            handler.cut(
                LAYER[start:], 200_000, 206 if start else 200, Content_Range=f"bytes {start}-{len(LAYER) - 1}/*"
            )

        elsewhere.routes["/layer"] = cut
        assert contents(image.open())[name(digest(LAYER))] == LAYER

    def test_failures_there_tell_no_signature(self, image: Fake, elsewhere: Fake) -> None:
        image.blob(LAYER, sends(b"", 307, Location=f"http://{elsewhere.host}/layer?signature=hunter3"))
        why = contents(image.open())[name(digest(LAYER))]
        assert why == b"127.0.0.1, to which the registry redirected, answered with status 404"

    def test_to_where_nobody_listens(self, image: Fake, elsewhere: Fake) -> None:
        elsewhere.socket.close()
        image.blob(LAYER, sends(b"", 307, Location=f"http://{elsewhere.host}/layer?signature=hunter3"))
        why = contents(image.open())[name(digest(LAYER))]
        assert why.decode() == f"{elsewhere.host} refuses connections"

    def test_without_end(self, fake: Fake) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = sends(b"", 301, Location="latest")
        assert fake.refusal()[0] == "the registry redirects more than 5 times"
        assert len(fake.paths()) == 6

    @pytest.mark.parametrize("location", ["", "//:99999999/", "file:///etc/passwd", "http://u:p@127.0.0.1/"])
    def test_to_nowhere(self, fake: Fake, location: str) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = sends(b"", 302, Location=location)
        assert fake.refusal()[0] == "the registry redirects to an address that is none"

    @pytest.mark.parametrize(
        ("location", "why"),
        [
            ("/v2/other", ""),
            ("https://registry.example/x", ""),
            ("https://cdn.example/x", ""),
            ("https://8.8.8.8/x", ""),
            ("http://cdn.example/x", "redirects to cdn.example over plain HTTP"),
            ("http://registry.example/x", "redirects to registry.example over plain HTTP"),
            ("http://127.0.0.1/x", "redirects to 127.0.0.1 over plain HTTP"),
            ("https://127.0.0.1/x", "redirects to 127.0.0.1, an address that is not public"),
            ("https://localhost/x", "redirects to localhost, an address that is not public"),
            ("https://[::1]/x", "redirects to ::1, an address that is not public"),
            ("https://[::ffff:10.0.0.1]/x", "redirects to ::ffff:10.0.0.1, an address that is not public"),
            ("https://169.254.169.254/x", "redirects to 169.254.169.254, an address that is not public"),
            ("https://10.0.0.1/x", "redirects to 10.0.0.1, an address that is not public"),
            ("https://100.64.0.1/x", "redirects to 100.64.0.1, an address that is not public"),
            ("https://0/x", "redirects to 0, an address that is not public"),
            ("https://2130706433/x", "redirects to 2130706433, an address that is not public"),
            ("https://inside.example/x", "redirects to inside.example, an address that is not public"),
        ],
    )
    def test_of_a_registry_elsewhere(self, location: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
        look_up = socket.getaddrinfo
        known = {"cdn.example": "1.1.1.1", "inside.example": "192.168.0.1"}
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *more, **named: look_up(known.get(host, host), *more, **named)
        )
        client = Registry(parse("registry.example/a/b"))
        url = httpx.URL("https://registry.example/v2/a/b/blobs/x")
        if why:
            with pytest.raises(Refused, match=why):
                client._allowed(url, location, is_blob=True)
        else:
            assert client._allowed(url, location, is_blob=True) == url.join(location)

    def test_a_name_that_leads_elsewhere_the_second_time(self) -> None:
        class Stream:
            def get_extra_info(self, _: str) -> tuple[str, int]:
                return "10.0.0.1", 443

        client = Registry(parse("registry.example/a/b"))
        assert client._is_lured(httpx.Response(200, extensions={"network_stream": Stream()}), is_blob=True)
        client = Registry(parse("10.0.0.9/a/b"))
        assert not client._is_lured(httpx.Response(200, extensions={"network_stream": Stream()}), is_blob=True)
        assert client._is_lured(httpx.Response(200, extensions={"network_stream": Stream()}), is_blob=False)

    @pytest.mark.parametrize(
        ("location", "is_blob", "why"),
        [
            ("https://10.9.8.7:9000/x", True, ""),
            ("https://192.168.0.1/x", True, ""),
            ("https://[fd00::7]/x", True, ""),
            ("https://8.8.8.8/x", True, ""),
            ("https://10.9.8.7:9000/x", False, "not public"),
            ("http://10.9.8.7:9000/x", True, "over plain HTTP"),
            ("https://169.254.169.254/x", True, "not public"),
            ("https://[fe80::1]/x", True, "not public"),
            ("https://[fd00:ec2::254]/x", True, "not public"),
            ("https://100.100.100.200/x", True, "not public"),
            ("https://127.0.0.1/x", True, "not public"),
            ("https://[::ffff:127.0.0.1]/x", True, "not public"),
            ("https://0.0.0.0/x", True, "not public"),
        ],
    )
    def test_of_a_registry_in_a_private_network(self, location: str, why: str, *, is_blob: bool) -> None:
        client = Registry(parse("10.0.0.1/a/b"))
        url = httpx.URL("https://10.0.0.1/v2/a/b/blobs/x")
        if why:
            with pytest.raises(Refused, match=why):
                client._allowed(url, location, is_blob=is_blob)
        else:
            assert client._allowed(url, location, is_blob=is_blob) == url.join(location)


def guarded(route: Route, challenge: str, wanted: str) -> Route:
    """`route`, for those who say `wanted`."""

    def check(handler: Handler) -> None:
        if handler.headers.get("Authorization") == wanted:
            route(handler)
        else:
            handler.answer(401, b"{}", WWW_Authenticate=challenge)

    return check


class TestCredentials:
    @pytest.fixture
    def guarded_image(self, image: Fake, elsewhere: Fake) -> Fake:
        """All but /v2/ wants a token from `elsewhere`."""
        challenge = f'Bearer realm="http://{elsewhere.host}/token",service="a service",scope="repository:a/b:pull"'
        for path, route in image.routes.items():
            if path != "/v2/":
                image.routes[path] = guarded(route, challenge, "Bearer opaque")
        elsewhere.routes["/token"] = sends(b'{"token":"opaque"}')
        return image

    def test_a_token_for_anybody(self, guarded_image: Fake, elsewhere: Fake) -> None:
        assert contents(guarded_image.open())[name(digest(LAYER))] == LAYER
        ((path, headers, _),) = elsewhere.asked
        assert path.startswith("/token?")
        asked = urllib.parse.parse_qs(path.partition("?")[2])
        assert asked == {"scope": ["repository:a/b:pull"], "service": ["a service"]}
        assert "Authorization" not in headers
        assert len(guarded_image.paths()) == 4

    def test_a_token_for_a_user(self, guarded_image: Fake, elsewhere: Fake, alone: Path) -> None:
        login(alone, guarded_image.host)
        elsewhere.routes["/token"] = guarded(sends(b'{"access_token":"opaque"}'), "", "Basic YW5uOmh1bnRlcjI=")
        assert contents(guarded_image.open())[name(digest(LAYER))] == LAYER
        assert "Basic YW5uOmh1bnRlcjI=" not in [headers.get("Authorization") for _, headers, _ in guarded_image.asked]

    def test_an_identity_token(self, guarded_image: Fake, elsewhere: Fake, alone: Path) -> None:
        login(alone, guarded_image.host, identitytoken="hunter2")
        assert contents(guarded_image.open())[name(digest(LAYER))] == LAYER
        ((_, headers, body),) = elsewhere.asked
        assert b"grant_type=refresh_token" in body
        assert b"refresh_token=hunter2" in body
        assert "Authorization" not in headers

    def test_of_other_registries_stay_at_home(self, guarded_image: Fake, elsewhere: Fake, alone: Path) -> None:
        login(alone, elsewhere.host)
        contents(guarded_image.open())
        sent = {headers.get("Authorization") for _, headers, _ in [*guarded_image.asked, *elsewhere.asked]}
        assert sent == {None, "Bearer opaque"}

    def test_a_token_that_runs_out(self, guarded_image: Fake, elsewhere: Fake) -> None:
        tokens = iter((b"opaque", b"opaque"))
        elsewhere.routes["/token"] = lambda handler: handler.answer(200, b'{"token":"%s"}' % next(tokens))
        opened = guarded_image.open()
        opened._registry._authorization = "Bearer old"
        assert contents(opened)[name(digest(LAYER))] == LAYER

    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_wrong_ones(self, guarded_image: Fake, elsewhere: Fake, alone: Path, status: int) -> None:
        login(alone, guarded_image.host)
        elsewhere.routes["/token"] = sends(b"hunter2", status)
        assert guarded_image.refusal() == (
            f"the token service of the registry denies access ({status})",
            f"Run `docker login {guarded_image.host}`, as somebody who may pull it.",
        )

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"token":"a\\r\\nb"}', b'{"token":1}', b'{"token":""}'])
    def test_no_token(self, guarded_image: Fake, elsewhere: Fake, body: bytes) -> None:
        elsewhere.routes["/token"] = sends(body)
        assert guarded_image.refusal()[0] == "the token service of the registry sent no token"

    @pytest.mark.parametrize(
        ("status", "why"),
        [(302, "answered with status 302"), (500, "answered with status 500"), (429, "was asked too often")],
    )
    def test_a_token_service_that_fails(self, guarded_image: Fake, elsewhere: Fake, status: int, why: str) -> None:
        elsewhere.routes["/token"] = sends(b"", status, Location="/token")
        assert why in guarded_image.refusal()[0]
        assert len(elsewhere.asked) == 1

    def test_a_token_that_does_not_help(self, guarded_image: Fake, elsewhere: Fake) -> None:
        elsewhere.routes["/token"] = sends(b'{"token":"other"}')
        why, hint = guarded_image.refusal()
        assert why == "the registry denies access, or has no such repository (401)"
        assert "docker login" in hint
        assert len(guarded_image.paths()) == 2

    @pytest.mark.parametrize(
        "realm", ["", "token", "http://auth.example/token", "ftp://127.0.0.1/", "https://u:p@auth.example/", "http://["]
    )
    def test_a_realm_that_is_not_safe(self, fake: Fake, realm: str, alone: Path) -> None:
        login(alone, fake.host)
        fake.routes["/v2/a/b/manifests/latest"] = sends(b"", 401, WWW_Authenticate=f'Bearer realm="{realm}"')
        assert fake.refusal()[0] == "the registry names a token service that is no HTTPS address"

    @pytest.mark.parametrize("realm", ["http://127.0.0.1/token", "http://registry.example/token"])
    def test_a_registry_elsewhere_wants_https(self, realm: str) -> None:
        with pytest.raises(Refused, match="no HTTPS address"):
            Registry(parse("registry.example/a/b"))._realm(realm)

    @pytest.mark.parametrize(
        ("host", "realm", "is_safe"),
        [
            ("registry.example", "https://10.0.0.1/token", False),
            ("registry.example", "https://169.254.169.254/token", False),
            ("registry.example", "https://127.0.0.1/token", False),
            ("registry.example", "https://8.8.8.8/token", True),
            ("10.0.0.2", "https://10.0.0.1/token", True),
            ("10.0.0.2", "https://127.0.0.1/token", False),
        ],
    )
    def test_a_token_service_in_a_private_network(self, host: str, realm: str, *, is_safe: bool) -> None:
        client = Registry(parse(f"{host}/a/b"))
        if is_safe:
            assert str(client._realm(realm)) == realm
        else:
            with pytest.raises(Refused, match="whose address is not public"):
                client._realm(realm)

    def test_basic_without_any(self, fake: Fake) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = sends(b"", 401, WWW_Authenticate='Basic realm="x"')
        why, hint = fake.refusal()
        assert why == "the registry wants a user name and a password"
        assert hint == f"Run `docker login {fake.host}`, as somebody who may pull it."

    @pytest.mark.parametrize("challenge", ["", "Negotiate", "Digest realm=x", '"' * 5000, "Bearer" + " " * 7000])
    def test_unknown_ways_to_ask(self, fake: Fake, challenge: str) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = sends(b"", 401, WWW_Authenticate=challenge)
        why, _ = fake.refusal()
        assert why.startswith(("the registry asks who we are in a way", "the registry names a token service"))

    def test_what_is_wrong_with_the_configuration_is_told(self, fake: Fake, alone: Path) -> None:
        (alone / "config.json").write_text('{"auths": "hunter2"}')
        fake.routes["/v2/a/b/manifests/latest"] = sends(b"", 401, WWW_Authenticate='Basic realm="x"')
        problem = f"{alone}/config.json is no configuration of docker or podman"
        assert fake.refusal()[0] == f"the registry wants a user name and a password; {problem}"

    def test_none_from_netrc(self, image: Fake, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (alone / "netrc").write_text("machine 127.0.0.1 login ann password hunter2\n")
        monkeypatch.setenv("NETRC", str(alone / "netrc"))
        contents(image.open())
        assert {headers.get("Authorization") for _, headers, _ in image.asked} == {None}

    def test_no_cookies(self, image: Fake) -> None:
        image.routes["/v2/"] = sends(b"", Set_Cookie="session=1")
        image.routes["/v2/a/b/manifests/latest"] = sends(manifest(LAYER), Content_Type=OCI_MANIFEST, Set_Cookie="a=1")
        contents(image.open())
        assert {headers.get("Cookie") for path, headers, _ in image.asked if "blobs" in path} == {None}


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "body", "why", "hint"),
        [
            (403, b"", "the registry denies access, or has no such repository (403)", "Run `docker login"),
            (404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}', "the registry has no such repository", "Check the name"),
            (404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"\x1b[2J"}]}', "the registry does not", "Check"),
            (404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', "the repository has no such tag or digest", "Check"),
            (404, b"<html>", "the registry does not have it", "Check the name, the tag and the digest."),
            (418, b"", "the registry answered with status 418", ""),
            (500, b"", "the registry answered with status 500", ""),
            (503, b"", "the registry answered with status 503", ""),
            (429, b"", "the registry was asked too often (429)", "Wait, or run `docker login"),
        ],
    )
    def test_of_the_registry(self, fake: Fake, status: int, body: bytes, why: str, hint: str) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = sends(body, status)
        told = fake.refusal()
        assert told[0].startswith(why)
        assert told[1].startswith(hint)
        assert len(fake.paths()) == (6 if status in (429, 503) else 1)

    def test_a_busy_registry_is_waited_for(self, image: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        waited: list[float] = []
        monkeypatch.setattr(time, "sleep", waited.append)
        route = image.routes["/v2/a/b/manifests/latest"]
        answers = (sends(b"", 429, Retry_After="7"), sends(b"", 503, Retry_After="nonsense"), route)
        image.routes["/v2/a/b/manifests/latest"] = in_turn(*answers)
        image.open()
        assert waited == [7.0, 0.0]

    @pytest.mark.parametrize("when", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "9" * 400])
    def test_but_not_for_ever(self, fake: Fake, when: str) -> None:
        fake.routes["/v2/a/b/manifests/latest"] = sends(b"", 429, Retry_After=when)
        assert fake.refusal()[0] == "the registry was asked too often (429)"
        assert len(fake.paths()) == 1

    def test_a_connection_that_breaks(self, image: Fake) -> None:
        route = image.routes["/v2/a/b/manifests/latest"]
        content = manifest(LAYER)
        cuts = iter((0, 10, 20))
        routes = [lambda handler: handler.cut(content, next(cuts))] * 3
        image.routes["/v2/a/b/manifests/latest"] = in_turn(*routes, route)
        image.open()
        assert len(image.paths()) == 4

    def test_no_such_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(TargetError) as caught:
            Image("image:registry.example/a/b", "linux/amd64", 1)
        why = "there is no host registry.example, or its name cannot be looked up"
        assert str(caught.value) == f"image:registry.example/a/b: {why}"
        assert caught.value.hint == "Check the name, the network, and HTTPS_PROXY."

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        with pytest.raises(TargetError, match=f"127.0.0.1:{port} refuses connections"):
            Image(f"image:127.0.0.1:{port}/a/b", "linux/amd64", 1)

    def test_nobody_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "TIMEOUT", httpx.Timeout(0.2))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            with pytest.raises(TargetError, match=f"127.0.0.1:{port} does not answer"):
                Image(f"image:127.0.0.1:{port}/a/b", "linux/amd64", 1)

    @pytest.mark.parametrize("proxy", ["nonsense://user:hunter2@x", "socks5://x"])
    def test_a_proxy_that_is_none(self, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(TargetError, match="the proxy or the certificates") as caught:
            Image("image:registry.example/a/b", "linux/amd64", 1)
        assert caught.value.hint == "Check HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE."

    def test_a_proxy_is_used_elsewhere(self, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@{fake.host}")
        with pytest.raises(TargetError) as caught:
            Image("image:registry.example/a/b", "linux/amd64", 1)
        assert str(caught.value) == "image:registry.example/a/b: the proxy does not let us through"

    def test_but_not_for_this_machine(self, image: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in ("HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, "http://127.0.0.1:9")
        image.open()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the command openssl, to make a certificate")
class TestTls:
    @pytest.fixture
    def certificate(self, alone: Path) -> Path:
        path = alone / "certificate.pem"
        subprocess.run(
            f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {path} -out {alone}/public.pem -days 2"
            " -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1",
            shell=True,
            check=True,
            capture_output=True,
        )
        path.write_bytes(path.read_bytes() + (alone / "public.pem").read_bytes())
        return path

    @pytest.fixture
    def safe(self, certificate: Path) -> Iterator[Fake]:
        fake = Fake()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        fake.socket = context.wrap_socket(fake.socket, server_side=True)
        fake.manifest(manifest())
        yield from serve(fake)

    def test_a_certificate_that_nobody_knows(self, safe: Fake) -> None:
        why, hint = safe.refusal()
        assert why.startswith(f"no safe connection to {safe.host}: self")
        assert hint == "Name the authority that signed its certificate in SSL_CERT_FILE."

    def test_one_that_is_known(self, safe: Fake, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(alone / "public.pem"))
        assert name(digest(manifest())) in contents(safe.open())


PROGRAM = shutil.which("docker-registry")


@pytest.mark.skipif(not PROGRAM, reason="needs the command docker-registry (Debian: apt-get install docker-registry)")
class TestRealRegistry:
    @pytest.fixture
    def real(self, alone: Path) -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        (alone / "registry.yml").write_text(
            f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {alone}/data}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}'}}\n"
        )
        command = [str(PROGRAM), "serve", str(alone / "registry.yml")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(port)
                yield f"127.0.0.1:{port}"
            finally:
                process.terminate()

    def push(self, host: str, path: str, content: bytes, media_type: str) -> None:
        """Push as the distribution spec says ("Pushing blobs monolithically", "Pushing Manifests")."""
        url = f"http://{host}/v2/team/app/{path}"
        headers = {"Content-Type": media_type}
        if path.startswith("blobs"):
            with closing(urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"))) as begun:
                url = f"{begun.headers['Location']}&digest={digest(content)}"
        with closing(urllib.request.urlopen(urllib.request.Request(url, content, headers, method="PUT"))) as done:
            assert done.status == 201

    def pushed(self, host: str, tag: str, layer: bytes, platform: dict[str, str]) -> dict[str, object]:
        """An image of one layer; what an index tells of it."""
        config = json.dumps({**platform, "rootfs": {"type": "layers", "diff_ids": []}}).encode()
        for blob in (layer, config):
            self.push(host, "blobs/uploads/", blob, "application/octet-stream")
        top: dict[str, Any] = json.loads(manifest(config=config, media_type=DOCKER_MANIFEST))
        top["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
        top["layers"] = [described(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip")]
        content = json.dumps(top).encode()
        self.push(host, f"manifests/{tag}", content, DOCKER_MANIFEST)
        return described(content, DOCKER_MANIFEST, platform=platform)

    def test_what_was_pushed_is_read(self, real: str) -> None:
        layers = {arch: layer_of(arch.encode() * 1000) for arch in ("amd64", "arm64")}
        entries = [
            self.pushed(real, arch, layer, {"os": "linux", "architecture": arch}) for arch, layer in layers.items()
        ]
        self.push(real, "manifests/latest", index(*entries, media_type=DOCKER_INDEX), DOCKER_INDEX)
        target = f"image:{real}/team/app"
        assert (
            contents(Image(f"{target}:arm64", "linux/amd64", 1 << 30))[name(digest(layers["arm64"]))] == layers["arm64"]
        )
        chosen = contents(Image(target, "linux/amd64", 1 << 30))
        assert chosen[name(digest(layers["amd64"]))] == layers["amd64"]
        assert name(digest(layers["arm64"])) not in chosen
        every = contents(Image(f"{target}@{digest(index(*entries, media_type=DOCKER_INDEX))}", "all", 1 << 30))
        assert all(every[name(digest(layer))] == layer for layer in layers.values())

    def test_from_end_to_end(self, real: str, token: Callable[[str], str]) -> None:
        """Two platforms, layers packed with gzip and Zstandard, and connections that break."""
        noise = base64.b85encode(random.Random(0).randbytes(600_000))
        entries = []
        for arch, layer in {
            "amd64": layer_of(noise + f'\nTOKEN = "{token("amd64")}"\n'.encode()),
            "arm64": zstd.compress(gzip.decompress(layer_of(noise + f'\nTOKEN = "{token("arm64")}"\n'.encode()))),
        }.items():
            entries.append(self.pushed(real, arch, layer, {"os": "linux", "architecture": arch}))
        self.push(real, "manifests/latest", index(*entries, media_type=DOCKER_INDEX), DOCKER_INDEX)
        with broken(real) as (host, count):
            scan = Scan([f"image:{host}/team/app"], Settings(platform="all", show_secrets=True))
            report = scan.report()
        assert (report.gaps, scan.unreadable) == ((), [])
        found = {one.secret.value: one.place.path for one in report.findings if one.secret}
        assert set(found) == {token("amd64"), token("arm64")}
        assert "linux/arm64!/layer:1!/app/settings.py" in found[token("arm64")]
        assert len(count) > 4

    def test_what_is_not_there(self, real: str) -> None:
        self.pushed(real, "latest", layer_of(b""), AMD64)
        for wanted, why in (
            ("team/app:2", "the repository has no such tag or digest"),
            (f"team/app@{digest(b'')}", "the repository has no such tag or digest"),
        ):
            with pytest.raises(TargetError) as caught:
                Image(f"image:{real}/{wanted}", "linux/amd64", 1)
            assert str(caught.value).endswith(why)


@contextmanager
def broken(host: str) -> Iterator[tuple[str, list[int]]]:
    """A way to `host` on which connections break after a while; where it begins, and what came through each."""
    counts: list[int] = []
    real = host.rpartition(":")[2]

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", int(real))) as there:
                counts.append(0)
                at = len(counts) - 1
                while counts[at] < 250_000:
                    ready, _, _ = select.select([self.request, there], [], [], 10)
                    for one in ready:
                        data = one.recv(1 << 14)
                        if not data:
                            return
                        (there if one is self.request else self.request).sendall(data)
                        counts[at] += len(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", counts
        server.shutdown()


def layer_of(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("app/settings.py")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("docker-registry does not start")
