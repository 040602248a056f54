"""Container images: what is found in them, which step brought it, where it was removed; and what claims to be one."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pitviper
from pitviper.config import Settings
from pitviper.engine.pack import BUFFER
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap, Reason
from pitviper.model.report import Report
from pitviper.output import OUTPUTS
from pitviper.output.interface import Style
from pitviper.sources import directory
from pitviper.sources.directory import Directory
from pitviper.unpack import image_config

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Token = Callable[[str], str]
Files = dict[str, bytes | None]
"""Contents by name; None for a folder."""


def tarred(files: Files, links: dict[str, str] | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            if content is None:
                header.type = tarfile.DIRTYPE
            else:
                header.size = len(content)
            archive.addfile(header, io.BytesIO(content or b""))
        for name, target in (links or {}).items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = tarfile.SYMTYPE, target
            archive.addfile(header)
    return out.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def config_of(layers: list[bytes], steps: list[str] | None = None, **section: Any) -> bytes:
    history: list[dict[str, Any]] = [{"created_by": "ENV A=b", "empty_layer": True}]
    history += [{"created_by": step} for step in steps or [f"COPY {number} ." for number in range(len(layers))]]
    diff_ids = [f"sha256:{digest(layer)}" for layer in layers]
    return json.dumps(
        {"config": section, "history": history, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    ).encode()


def saved(layers: list[bytes], config: bytes | None = None, **more: bytes) -> Files:
    """As docker saved images before version 25."""
    config = config_of(layers) if config is None else config
    files: Files = {}
    for number, layer in enumerate(layers):
        name = digest(b"%d" % number + layer)
        files |= {f"{name}/": None, f"{name}/VERSION": b"1.0", f"{name}/json": b"{}", f"{name}/layer.tar": layer}
    names = [name for name in files if name.endswith("layer.tar")]
    files[f"{digest(config)}.json"] = config
    entry = {"Config": f"{digest(config)}.json", "RepoTags": ["app:1"], "Layers": names}
    return files | {"manifest.json": json.dumps([entry]).encode(), "repositories": b"{}", **more}


def blob(files: Files, content: bytes, media: str, **more: Any) -> dict[str, Any]:
    """A descriptor of `content`, which is put among `files`."""
    files[f"blobs/sha256/{digest(content)}"] = content
    return {"mediaType": media, "digest": f"sha256:{digest(content)}", "size": len(content), **more}


def manifest(files: Files, layers: list[bytes], stored: list[bytes] | None = None, **section: Any) -> dict[str, Any]:
    """The descriptor of an image with these layers, which are stored so."""
    media = "application/vnd.oci.image.layer.v1.tar"
    found = {
        "schemaVersion": 2,
        "config": blob(files, config_of(layers, **section), "application/vnd.oci.image.config.v1+json"),
        "layers": [blob(files, layer, media) for layer in stored or layers],
    }
    return blob(files, json.dumps(found).encode(), "application/vnd.oci.image.manifest.v1+json")


def layout(files: Files, manifests: list[dict[str, Any]]) -> Files:
    marks: Files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    return files | marks | {"index.json": json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()}


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Report]:
    """A function from the bytes of `app.tar`, or the files of a folder `app`, to the report on it."""
    monkeypatch.chdir(tmp_path)

    def run(content: bytes | Files, name: str = "app.tar") -> Report:
        if isinstance(content, bytes):
            Path(name).write_bytes(content)
            return pitviper.scan(name).report()
        for path, inner in content.items():
            Path("app", path).parent.mkdir(parents=True, exist_ok=True)
            if inner is not None:
                Path("app", path).write_bytes(inner)
        return pitviper.scan("app").report()

    return run


def paths(report: Report) -> list[str]:
    return sorted(place.path for finding in report.findings for place in (finding.place, *finding.also_at))


def removals(report: Report) -> dict[str, str | None]:
    places = [place for finding in report.findings for place in (finding.place, *finding.also_at)]
    return {place.path.removeprefix("app.tar!/"): place.removed_in for place in places}


def only(report: Report) -> Finding:
    (finding,) = report.findings
    assert report.gaps == ()
    return finding


def in_old(layers: list[bytes]) -> bytes:
    return tarred(saved(layers))


def in_oci(layers: list[bytes]) -> bytes:
    files: Files = {}
    return tarred(layout(files, [manifest(files, layers)]))


def in_both(layers: list[bytes]) -> bytes:
    """As docker saves since version 25."""
    files: Files = {}
    config = config_of(layers)
    found = layout(files, [manifest(files, layers)])
    names = [f"blobs/sha256/{digest(layer)}" for layer in layers]
    entry = {"Config": f"blobs/sha256/{digest(config)}", "RepoTags": ["app:1"], "Layers": names}
    return tarred({"blobs/": None, **found, "manifest.json": json.dumps([entry]).encode()})


def in_podman(layers: list[bytes]) -> bytes:
    """Layers by digest, and links to them by the old names."""
    config = config_of(layers)
    files: Files = {f"{digest(layer)}.tar": layer for layer in layers}
    links = {f"{digest(b'old' + layer)}/layer.tar": f"../{digest(layer)}.tar" for layer in layers}
    entry = {"Config": f"{digest(config)}.json", "RepoTags": None, "Layers": list(links)}
    files |= {f"{digest(config)}.json": config, "manifest.json": json.dumps([entry]).encode()}
    return tarred(files, links)


def in_oldest(layers: list[bytes]) -> bytes:
    """As docker saved images before version 1.10."""
    files: Files = {}
    parent = None
    for layer in layers:
        name = digest(b"v1" + layer)
        files |= {f"{name}/json": json.dumps({"id": name, "parent": parent}).encode(), f"{name}/layer.tar": layer}
        parent = name
    return tarred(files | {"repositories": json.dumps({"app": {"1": parent}}).encode()})


FORMS = [in_old, in_oci, in_both, in_podman, in_oldest]


class TestWhere:
    @pytest.mark.parametrize("form", FORMS)
    def test_file_layer_and_step(self, form: Callable[..., bytes], scan: Callable[..., Report], token: Token) -> None:
        layers = [tarred({"etc/os": b"x"}), tarred({"app/": None, "app/x.py": token("a").encode()}), tarred({"b": b""})]
        place = only(scan(form(layers))).place
        assert place.path == "app.tar!/layer:2!/app/x.py"
        assert place.line == 1
        image, layer, file = place.chain
        assert (image.kind, image.name) == ("image", "app.tar")
        assert (file.kind, file.name) == ("file", "/app/x.py")
        assert (layer.kind, layer.name, place.removed_in) == ("layer", "2", None)
        if form is not in_oldest:
            assert layer.digest == f"sha256:{digest(layers[1])}"
            assert layer.created_by == "COPY 1 ."

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
    def test_compressed_as_a_whole(
        self, form: Callable[..., bytes], pack: Callable[[bytes], bytes], scan: Callable[..., Report], token: Token
    ) -> None:
        content = pack(form([tarred({"./app/x.py": token("a").encode()})]))
        assert only(scan(content)).place.path == "app.tar!/layer:1!/app/x.py"

    @pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
    def test_compressed_layers(self, pack: Callable[[bytes], bytes], scan: Callable[..., Report], token: Token) -> None:
        layers = [tarred({"app/x.py": token("a").encode()}), tarred({"app/.wh.x.py": b""})]
        files: Files = {}
        place = only(scan(tarred(layout(files, [manifest(files, layers, [pack(one) for one in layers])])))).place
        assert place.path == "app.tar!/layer:1!/app/x.py"
        assert [link.kind for link in place.chain] == ["image", "layer", "file"]
        assert place.removed_in == "2"

    def test_in_text(self, scan: Callable[..., Report], token: Token) -> None:
        layers = [tarred({"app/x.py": token("a").encode()}), tarred({".wh.app": b""})]
        steps = ["COPY . . # buildkit", "RUN rm -r /app"]
        report = scan(tarred(saved(layers, config_of(layers, steps))))
        text = "".join(OUTPUTS["text"](report, {}, Style()))
        assert '  app.tar ▸ layer 1 "COPY . ." ▸ /app/x.py:1:1\n  removed in layer 2, still in the image\n' in text

    def test_a_wheel_in_a_layer(self, scan: Callable[..., Report], token: Token) -> None:
        wheel = io.BytesIO()
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("pkg/a.py", token("a"))
        layers = [tarred({"tmp/a.whl": wheel.getvalue()}), tarred({"tmp/.wh.a.whl": b""})]
        place = only(scan(in_old(layers))).place
        assert (place.path, place.removed_in) == ("app.tar!/layer:1!/tmp/a.whl!/pkg/a.py", "2")

    def test_a_big_layer_is_read_in_windows(self, scan: Callable[..., Report], token: Token) -> None:
        content = b"\n" * 5_000_000 + token("a").encode()
        assert only(scan(in_oci([tarred({"big": content})]))).place.line == 5_000_001

    def test_written_with_extended_headers(self, scan: Callable[..., Report], token: Token) -> None:
        files = saved([tarred({"x": token("a").encode()})])
        content = tarred(files, format=tarfile.PAX_FORMAT, pax_headers={"comment": "x"})
        assert paths(scan(content)) == ["app.tar!/layer:1!/x"]


class TestRemoved:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_a_hard_link_keeps_what_was_in_the_file(
        self, pack: Callable[[bytes], bytes], scan: Callable[..., Report], token: Token
    ) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            header = tarfile.TarInfo("app/x.py")
            header.size = len(token("a"))
            archive.addfile(header, io.BytesIO(token("a").encode()))
            for name in ("cache/x.py", "app/y.py"):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.LNKTYPE, "app/x.py"
                archive.addfile(link)
        report = scan(in_old([pack(out.getvalue()), tarred({".wh.app": b""})]))
        (finding,) = report.findings
        told = [(place.chain[-1].name, place.removed_in) for place in (finding.place, *finding.also_at)]
        assert told == [("/cache/x.py", None), ("/app/x.py", "2")]

    @pytest.mark.parametrize(
        ("later", "wanted"),
        [
            ({"app/x.py": b""}, "2"),
            ({"app/.wh.x.py": b""}, "2"),
            ({".wh.app": b""}, "2"),
            ({"app/.wh..wh..opq": b"", "app/x.pyc": b""}, "2"),
            ({".wh..wh..opq": b""}, "2"),
            ({"app": b"a file"}, "2"),
            ({"./app/.wh.x.py": b""}, "2"),
            ({"app/x.py/": None}, "2"),
            ({"app/": None}, None),
            ({"app/.wh.x": b""}, None),
            ({"ap/.wh..wh..opq": b""}, None),
            ({"app/.wh..wh.plnk": b""}, None),
            ({"app/x.py/below/.wh.y": b""}, None),
        ],
    )
    def test_by_a_later_layer(
        self, later: Files, wanted: str | None, scan: Callable[..., Report], token: Token
    ) -> None:
        layers = [tarred({"app/x.py": token("a").encode()}), tarred(later)]
        assert only(scan(in_old(layers))).place.removed_in == wanted

    def test_in_the_first_that_does(self, scan: Callable[..., Report], token: Token) -> None:
        layers = [
            tarred({"a": token("a").encode(), "b": token("b").encode()}),
            tarred({".wh.b": b"", "b": token("c").encode()}),  # what is in the same layer stays
            tarred({".wh.a": b""}),
            tarred({"a": token("d").encode(), ".wh.b": b""}),
            tarred({".wh.a": b""}),
        ]
        assert removals(scan(in_old(layers))) == {
            "layer:1!/a": "3",
            "layer:1!/b": "2",
            "layer:2!/b": "4",
            "layer:4!/a": "5",
        }

    def test_content_of_a_whiteout_is_searched(self, scan: Callable[..., Report], token: Token) -> None:
        assert paths(scan(in_old([tarred({".wh.a": token("a").encode()})]))) == ["app.tar!/layer:1!/.wh.a"]


class TestConfiguration:
    def test_environment(self, scan: Callable[..., Report], token: Token) -> None:
        layers = [tarred({"a": b""})]
        secret = token("a")
        for name, section in (
            ("(ENV)", {"Env": ["PATH=/bin", f"TOKEN={secret}"]}),
            ("(LABEL)", {"Labels": {"a": secret}}),
            ("(CMD)", {"Cmd": ["x", secret]}),
            ("(configuration)", {"Volumes": {secret: {}}}),
        ):
            place = only(scan(tarred(saved(layers, config_of(layers, **section))))).place
            assert place.path == f"app.tar!/{name}"
            assert [link.kind for link in place.chain] == ["image", "file"]

    def test_lines(self) -> None:
        document = {
            "architecture": "amd64",
            "config": {
                "Env": ["A=b&c", "D=1"],
                "Labels": {"x": "y"},
                "Entrypoint": ["/bin/a", "b"],
                "Cmd": None,
                "Volumes": {"/data": {}},
                "OnBuild": ["RUN x"],
            },
            "history": [
                {"created_by": '/bin/sh -c #(nop)  CMD ["x"]', "empty_layer": True},
                {"created_by": "RUN |2 A=b C=d e /bin/sh -c make # buildkit", "comment": "buildkit.v0"},
            ],
        }
        told = [
            (member.name, (member.content or b"").decode().splitlines()) for member in image_config.rendered(document)
        ]
        assert told == [
            ("(ENV)", ["ENV A=b&c", "ENV D=1"]),
            ("(LABEL)", ["LABEL x=y"]),
            ("(ENTRYPOINT)", ["ENTRYPOINT /bin/a b"]),
            ("1", ['CMD ["x"]']),
            ("2", ["ARG A=b", "ARG C=d e", "RUN make"]),
            (
                "(configuration)",
                [
                    "architecture: amd64",
                    "config:",
                    "Cmd: None",
                    "Volumes:",
                    "/data:",
                    "OnBuild:",
                    "- RUN x",
                    "history:",
                    "empty_layer: True",
                    "comment: buildkit.v0",
                ],
            ),
        ]

    @pytest.mark.parametrize(
        ("created_by", "wanted"),
        [
            ("/bin/sh -c #(nop) COPY dir:1 in /app ", "COPY dir:1 in /app"),
            ("COPY . . # buildkit", "COPY . ."),
            ("RUN /bin/sh -c pip install . # buildkit", "RUN pip install ."),
            ("/bin/sh -c pip  install x", "RUN pip install x"),
            ("|1 TOKEN=s3cret /bin/sh -c make", "RUN make"),
            ("RUN |1 TOKEN=s3cret /bin/sh -c make # buildkit", "RUN make"),
            ("RUN |1 TOKEN=s3cret make", "RUN …"),
            ("cmd /S /C #(nop) USER x", "USER x"),
            ("RUN " + "x" * 5000, "RUN …"),
            ("bazel \x1b[2J", "bazel \\x1b[2J"),
            ("", None),
            (5, None),
        ],
    )
    def test_steps(self, created_by: Any, wanted: str | None) -> None:
        assert image_config.step(created_by) == wanted

    def test_a_secret_in_a_step_is_not_told(self, scan: Callable[..., Report], token: Token) -> None:
        layers = [tarred({"a": token("b").encode()})]
        report = scan(tarred(saved(layers, config_of(layers, [f"RUN echo {token('a')}"]))))
        assert paths(report) == ["app.tar!/layer:1!/a", "app.tar!/step:2"]
        assert token("a") not in repr(report)

    def test_no_step_rather_than_a_wrong_one(self, scan: Callable[..., Report], token: Token) -> None:
        layers = [tarred({"a": token("a").encode()}), tarred({})]
        place = only(scan(tarred(saved(layers, config_of(layers, ["COPY a ."]))))).place
        assert place.chain[1].created_by is None

    def test_a_name_that_stands_twice(self, scan: Callable[..., Report], token: Token) -> None:
        config = b'{"config": {"Env": ["%s"]}, "config": {}}' % token("a").encode()
        report = scan(tarred(saved([], config)))
        assert paths(report) == [f"app.tar!/{digest(config)}.json"]
        assert [gap.reason for gap in report.gaps] == [Reason.DAMAGED]


class TestSeveral:
    def test_a_shared_layer_is_opened_once(self, scan: Callable[..., Report], token: Token) -> None:
        base, top, other = (tarred({name: token(name).encode()}) for name in ("base", "top", "other"))
        files: Files = {}
        name = {"annotations": {"org.opencontainers.image.ref.name": "one"}}
        both = [manifest(files, [base, top]) | name, manifest(files, [other, base, tarred({".wh.other": b""})])]
        report = scan(tarred(layout(files, both)))
        second = json.loads(files[both[1]["digest"].replace("sha256:", "blobs/sha256/")] or b"")["config"]["digest"]
        title = second.removeprefix("sha256:")[:12]
        assert report.gaps == ()
        assert removals(report) == {
            "one!/layer:1!/base": None,
            "one!/layer:2!/top": None,
            f"{title}!/layer:1!/other": "3",
        }

    @pytest.mark.parametrize(
        ("one", "other", "wanted"),
        [
            ([{".wh.a": b""}], [{"b": b""}], None),
            ([{"b": b""}], [{".wh.a": b""}], None),
            ([{".wh.a": b""}], [{"b": b""}, {".wh.a": b""}], "3"),
            ([{"c": b""}, {".wh.a": b""}], [{"a": b""}], "4"),
        ],
    )
    def test_what_is_gone_in_one_image_only_is_not_gone(
        self, scan: Callable[..., Report], token: Token, one: list[Files], other: list[Files], wanted: str | None
    ) -> None:
        both = [tarred({"a": token("a").encode()}), tarred({"z": b""})]
        files: Files = {}
        name = {"annotations": {"org.opencontainers.image.ref.name": "one"}}
        images = [manifest(files, [*both, *map(tarred, one)]) | name, manifest(files, [*both, *map(tarred, other)])]
        assert removals(scan(tarred(layout(files, images)))) == {"one!/layer:1!/a": wanted}

    def test_a_layer_that_all_images_have_hides_what_is_below(self, scan: Callable[..., Report], token: Token) -> None:
        both = [tarred({"a": token("a").encode()}), tarred({".wh.a": b""})]
        files: Files = {}
        name = {"annotations": {"org.opencontainers.image.ref.name": "one"}}
        images = [manifest(files, [*both, tarred({tag: b""})]) | name for tag in ("one", "two")]
        assert removals(scan(tarred(layout(files, images)))) == {"one!/layer:1!/a": "2"}

    def test_platforms_and_attestations(self, scan: Callable[..., Report], token: Token) -> None:
        files: Files = {}
        found = [
            manifest(files, [tarred({"a": token(name).encode()})]) | {"platform": {"os": "linux", "architecture": name}}
            for name in ("amd64", "arm64")
        ]
        statement = blob(files, token("c").encode(), "application/vnd.in-toto+json")
        about = {"config": blob(files, b"{}", "application/vnd.oci.image.config.v1+json"), "layers": [statement]}
        found.append(blob(files, json.dumps(about).encode(), "application/vnd.oci.image.manifest.v1+json"))
        index = blob(files, json.dumps({"manifests": found}).encode(), "application/vnd.oci.image.index.v1+json")
        report = scan(tarred(layout(files, [index | {"annotations": {"io.containerd.image.name": "app:1"}}])))
        assert report.gaps == ()
        assert paths(report) == [
            "app.tar!/app:1 linux/amd64!/layer:1!/a",
            "app.tar!/app:1 linux/arm64!/layer:1!/a",
            f"app.tar!/{statement['digest'].replace('sha256:', 'blobs/sha256/')}",
        ]

    def test_the_same_layer_twice(self, scan: Callable[..., Report], token: Token) -> None:
        layer = tarred({"a": token("a").encode()})
        assert removals(scan(in_oci([layer, tarred({".wh.a": b""}), layer]))) == {"layer:3!/a": None}


class TestFolder:
    def test_an_oci_layout(self, scan: Callable[..., Report], token: Token) -> None:
        files: Files = {}
        found = layout(files, [manifest(files, [tarred({"app/x.py": token("a").encode()}), tarred({})])])
        report = scan(found | {"notes/stray.txt": token("b").encode()})
        assert report.gaps == ()
        assert paths(report) == ["app!/layer:1!/app/x.py", "app!/notes/stray.txt"]
        by_path = {finding.place.path: finding.place for finding in report.findings}
        image, layer, _ = by_path["app!/layer:1!/app/x.py"].chain
        assert (image.kind, image.name, layer.created_by) == ("image", "app", "COPY 0 .")
        assert report.stats.bytes == sum(len(content or b"") for content in found.values()) + len(token("b"))

    def test_links_are_gaps(self, scan: Callable[..., Report], tmp_path: Path) -> None:
        files: Files = {}
        found = layout(files, [manifest(files, [tarred({})])])
        (tmp_path / "app").mkdir()
        (tmp_path / "app" / "link").symlink_to("/etc/passwd")
        assert [gap.reason for gap in scan(found).gaps] == [Reason.OUTSIDE_SYMLINK]


class TestHostile:
    def gaps(self, report: Report) -> list[tuple[str, Reason]]:
        assert Reason.FAILED not in {gap.reason for gap in report.gaps}, report.gaps
        return [(gap.path, gap.reason) for gap in report.gaps]

    def test_a_blob_is_missing(self, scan: Callable[..., Report], token: Token) -> None:
        files = saved([tarred({"a": token("a").encode()}), tarred({"b": token("b").encode()})])
        gone = next(name for name in files if name.endswith("layer.tar"))
        del files[gone]
        report = scan(tarred(files))
        assert self.gaps(report) == [(f"app.tar!/{gone}", Reason.DAMAGED)]
        assert paths(report) == ["app.tar!/layer:2!/b"]

    def test_a_digest_does_not_fit(self, scan: Callable[..., Report], token: Token) -> None:
        files: Files = {}
        layer = tarred({"a": b"x"})
        found = layout(files, [manifest(files, [layer])])
        found[f"blobs/sha256/{digest(layer)}"] = tarred({"a": token("a").encode()})
        found[f"blobs/sha256/{digest(b'stray')}"] = b"other"
        report = scan(tarred(found))
        stray = f"app.tar!/blobs/sha256/{digest(b'stray')}"
        assert self.gaps(report) == [(stray, Reason.DAMAGED), ("app.tar!/layer:1", Reason.DAMAGED)]
        assert paths(report) == ["app.tar!/layer:1!/a"]

    def test_a_layer_that_is_none(self, scan: Callable[..., Report], token: Token) -> None:
        report = scan(in_old([token("a").encode()]))
        assert self.gaps(report) == [("app.tar!/layer:1", Reason.DAMAGED)]
        assert paths(report) == ["app.tar!/layer:1"]

    def test_names(self, scan: Callable[..., Report], token: Token) -> None:
        report = scan(in_old([tarred({"../../etc/\x1b[2J": token("a").encode()})]))
        assert paths(report) == ["app.tar!/layer:1!/../../etc/\\x1b[2J"]

    @pytest.mark.parametrize(
        "manifest_json",
        [
            b"[",
            b"[" * 100_000,
            b"{}",
            b"[5]",
            b'[{"Layers": 5}]',
            b'[{"Layers": [5, null, "../../etc/passwd", "\\u0000"], "Config": [], "RepoTags": {}}]',
            b'[{"Layers": [], "Config": "\\ud800"}]',
            b"1" * 10_000,
        ],
    )
    def test_a_manifest_of_docker(self, manifest_json: bytes, scan: Callable[..., Report], token: Token) -> None:
        files = saved([tarred({"a": token("a").encode()})]) | {"manifest.json": manifest_json}
        report = scan(tarred(files))
        assert self.gaps(report)
        assert [path.rpartition("!/")[2] for path in paths(report)] == ["a"]

    @pytest.mark.parametrize(
        "document",
        [
            [],
            {"manifests": 5},
            {"manifests": [5, {}, {"digest": 5}, {"digest": "sha256:../../x"}, {"digest": "md5:1"}]},
            {"manifests": [{"digest": f"sha256:{'0' * 64}", "annotations": 5, "platform": 5}]},
        ],
    )
    def test_an_index(self, document: Any, scan: Callable[..., Report], token: Token) -> None:
        files: Files = {}
        found = layout(files, [manifest(files, [tarred({"a": token("a").encode()})])])
        report = scan(tarred(found | {"index.json": json.dumps(document).encode()}))
        assert self.gaps(report)
        assert [path.rpartition("!/")[2] for path in paths(report)] == ["a"]

    @pytest.mark.parametrize(
        "document",
        [
            {"layers": 5, "config": 5},
            {"layers": [5, {}, {"digest": 5}], "config": {"digest": []}},
            {"fsLayers": [5, {"blobSum": 5}]},
        ],
    )
    def test_a_manifest(self, document: Any, scan: Callable[..., Report]) -> None:
        files: Files = {}
        report = scan(tarred(layout(files, [blob(files, json.dumps(document).encode(), "x")])))
        assert self.gaps(report)

    @pytest.mark.parametrize(
        "config",
        [
            b"5",
            b'{"config": 5, "history": 5, "rootfs": 5}',
            b'{"config": {"Env": [5], "Labels": [], "Cmd": "x"}, "history": [5, {"created_by": 5}], "rootfs": {}}',
            b'{"rootfs": {"diff_ids": [5]}, "history": [{"created_by": "\\ud800"}]}',
        ],
    )
    def test_a_configuration(self, config: bytes, scan: Callable[..., Report], token: Token) -> None:
        report = scan(tarred(saved([tarred({"a": token("a").encode()})], config)))
        assert self.gaps(report) == []
        assert paths(report) == ["app.tar!/layer:1!/a"]

    def test_an_index_that_names_itself_and_others(self, scan: Callable[..., Report]) -> None:
        files: Files = {}
        found = blob(files, b'{"manifests": []}', "index")
        for _ in range(1500):  # more than Python calls within calls
            found = blob(files, json.dumps({"manifests": [found, found]}).encode(), "index")
        report = scan(tarred(layout(files, [found])))
        assert self.gaps(report) == [("app.tar!/index.json", Reason.OVER_BUDGET)]

    def test_cut_anywhere(self, scan: Callable[..., Report], token: Token) -> None:
        content = in_old([tarred({"a": token("a").encode()}), tarred({".wh.a": b""})])
        for end in range(512, len(content), 700):
            self.gaps(scan(content[:end]))

    def test_what_follows_the_end(self, scan: Callable[..., Report], token: Token) -> None:
        report = scan(in_old([tarred({})]) + b"\0" * 1024 + token("a").encode())
        assert paths(report) == ["app.tar!/(behind the end)"]

    def test_of_two_with_one_name(self, scan: Callable[..., Report], token: Token) -> None:
        out = io.BytesIO(in_old([tarred({})]))
        with tarfile.open(fileobj=out, mode="a") as archive:
            for seed in ("a", "b"):
                header = tarfile.TarInfo("note")
                header.size = len(token(seed))
                archive.addfile(header, io.BytesIO(token(seed).encode()))
        assert paths(scan(out.getvalue())) == ["app.tar!/note", "app.tar!/note"]


class TestNoImage:
    @pytest.mark.parametrize("first", ["manifest.json", "index.json", "repositories", "blobs/a", f"{'0' * 64}/a"])
    def test_is_a_plain_archive(self, first: str, scan: Callable[..., Report], token: Token) -> None:
        report = scan(tarred({first: b'{"name": "a web app"}', "src/a.py": token("a").encode()}))
        place = only(report).place
        assert place.path == "app.tar!/src/a.py"
        assert [(link.kind, link.name) for link in place.chain] == [("archive", "app.tar"), ("file", "src/a.py")]

    def test_that_breaks(self, scan: Callable[..., Report], token: Token) -> None:
        content = tarred({"manifest.json": b"[]"})[:1024] + b"junk " * 200 + token("a").encode()
        report = scan(content)
        assert report.gaps[0] == Gap("app.tar", Reason.DAMAGED, "no header stands at byte 1,024, where one should")
        assert paths(report) == ["app.tar"]


class TestFoldersOfImagesInAFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path, token: Token) -> Path:
        """A file, and a folder that is an image of two layers."""
        files: Files = {}
        image = manifest(files, [tarred({"a": token("a").encode()}), tarred({".wh.a": b""})])
        for name, content in layout(files, [image]).items():
            path = tmp_path / "some" / "image" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content or b"")
        (tmp_path / "some" / "b").write_text(token("b"))
        return tmp_path / "some"

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_have_layers(self, folder: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        report = pitviper.scan(".", settings=Settings(jobs=jobs)).report()
        assert report.gaps == ()
        assert removals(report) == {"b": None, "image!/layer:1!/a": "2"}
        (image,) = (one.place.chain[1] for one in report.findings if one.place.removed_in)
        assert (image.kind, image.name) == ("image", "image")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert report.stats.bytes == Directory(".").size() == size

    def test_of_which_a_mark_is_a_link_are_folders(self, folder: Path) -> None:
        (folder / "image/oci-layout").rename(folder / "mark")
        (folder / "image/oci-layout").symlink_to("../mark")
        assert not any("layer:" in path for path in paths(pitviper.scan(str(folder)).report()))

    def test_that_become_a_link_are_not_followed(self, folder: Path) -> None:
        parts = [part for part in Directory(str(folder)).parts() if isinstance(part, directory.Files)]
        (folder / "image").rename(folder.parent / "image")
        (folder / "image").symlink_to(folder.parent / "image")
        packs = list(directory.read(parts, lambda: bytearray(BUFFER)))
        assert [gap.reason for pack in packs for gap in pack.gaps] == [Reason.VANISHED]
        assert not any(pack.shelves for pack in packs)
