from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from pitviper.sources import docker_config
from pitviper.sources.docker_config import Credential, find

posix = pytest.mark.skipif(os.name != "posix", reason="helpers here are shell scripts")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    return tmp_path


def basic(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def helper(home: Path, name: str, script: str) -> None:
    path = home / "bin" / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_nobody_logged_in() -> None:
    assert find("docker.io", "library/alpine") == (None, [])


@pytest.mark.parametrize(
    ("key", "host", "is_found"),
    [
        ("ghcr.io", "ghcr.io", True),
        ("https://ghcr.io", "ghcr.io", True),
        ("https://ghcr.io/v2/", "ghcr.io", True),
        ("ghcr.io/a", "ghcr.io", True),
        ("ghcr.io/a/b", "ghcr.io", True),
        ("ghcr.io/other", "ghcr.io", False),
        ("ghcr.io:443", "ghcr.io", False),
        ("evil-ghcr.io", "ghcr.io", False),
        ("ghcr.io.evil.example", "ghcr.io", False),
        ("localhost:5000", "localhost:5000", True),
        ("localhost", "localhost:5000", False),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("docker.io", "docker.io", True),
        ("registry-1.docker.io", "docker.io", True),
        ("https://index.docker.io/v1/", "ghcr.io", False),
    ],
)
def test_what_it_is_filed_under(home: Path, key: str, host: str, *, is_found: bool) -> None:
    write(home / ".docker/config.json", {"auths": {key: basic("ann", "pass:word")}})
    assert find(host, "a/b") == (Credential("ann", "pass:word") if is_found else None, [])


def test_the_closest_counts(home: Path) -> None:
    auths = {"quay.io": basic("all", "1"), "quay.io/a": basic("part", "2")}
    write(home / ".docker/config.json", {"auths": auths})
    assert find("quay.io", "a/b")[0] == Credential("part", "2")
    assert find("quay.io", "ab/b")[0] == Credential("all", "1")


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({}, None),
        ({"auth": ""}, None),
        ({"auth": "%%%"}, None),
        ({"auth": base64.b64encode(b"no colon").decode()}, None),
        ({"auth": base64.b64encode(b"\xff\xfe").decode()}, None),
        ({"auth": base64.b64encode(b"ann:x\0\0").decode()}, Credential("ann", "x")),
        ({"username": "ann", "password": "x"}, Credential("ann", "x")),
        ({**basic("ann", ""), "identitytoken": "t"}, Credential("", "t", is_identity=True)),
    ],
)
def test_entries(home: Path, entry: dict[str, str], wanted: Credential | None) -> None:
    write(home / ".docker/config.json", {"auths": {"ghcr.io": entry}, "unknown": [1]})
    assert find("ghcr.io", "a/b") == (wanted, [])


def test_files_in_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {
        "settings/containers/auth.json": ("XDG_CONFIG_HOME", "settings"),
        "runtime/containers/auth.json": ("XDG_RUNTIME_DIR", "runtime"),
        "docker/config.json": ("DOCKER_CONFIG", "docker"),
        "named.json": ("REGISTRY_AUTH_FILE", "named.json"),
    }
    for path, (variable, value) in places.items():
        write(home / path, {"auths": {"ghcr.io": basic(variable, "x")}})
        monkeypatch.setenv(variable, str(home / value))
        assert find("ghcr.io", "a/b")[0] == Credential(variable, "x")


def test_where_podman_keeps_them_without_a_runtime_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    write(home / ".config/containers/auth.json", {"auths": {"ghcr.io": basic("ann", "x")}})
    assert find("ghcr.io", "a/b") == (Credential("ann", "x"), [])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"auths": 1}', '{"auths": {"ghcr.io": {"auth": 1}}}', "\udcff"])
def test_a_file_that_is_none(home: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "named.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "named.json"))
    write(home / ".docker/config.json", {"auths": {"ghcr.io": basic("ann", "x")}})
    problem = f"{home}/named.json is no configuration of docker or podman"
    assert find("ghcr.io", "a/b") == (Credential("ann", "x"), [problem])


def test_a_file_that_cannot_be_read(home: Path) -> None:
    (home / ".docker/config.json").mkdir(parents=True)
    assert find("ghcr.io", "a/b") == (None, [f"{home}/.docker/config.json cannot be read: Is a directory"])


def test_no_secret_in_a_repr() -> None:
    assert "hunter2" not in repr(Credential("ann", "hunter2")) + str(Credential("", "hunter2", is_identity=True))


@posix
class TestHelpers:
    ANSWER = """read -r host; echo "{\\"ServerURL\\":\\"x\\",\\"Username\\":\\"$1 $host\\",\\"Secret\\":\\"s\\"}" """

    @pytest.mark.parametrize(
        ("config", "host", "asked"),
        [
            ({"credsStore": "one"}, "ghcr.io", "ghcr.io"),
            ({"credsStore": "one"}, "docker.io", "https://index.docker.io/v1/"),
            ({"credHelpers": {"ghcr.io": "one"}}, "ghcr.io", "ghcr.io"),
            ({"credHelpers": {"ghcr.io": "one"}, "credsStore": "missing"}, "ghcr.io", "ghcr.io"),
            ({"credHelpers": {"https://index.docker.io/v1/": "one"}}, "docker.io", "https://index.docker.io/v1/"),
        ],
    )
    def test_are_asked(self, home: Path, config: object, host: str, asked: str) -> None:
        helper(home, "one", self.ANSWER)
        write(home / ".docker/config.json", config)
        assert find(host, "a/b") == (Credential(f"get {asked}", "s"), [])

    def test_not_for_others(self, home: Path) -> None:
        helper(home, "one", f"touch {home}/ran")
        write(home / ".docker/config.json", {"credHelpers": {"ghcr.io": "one"}})
        assert find("quay.io", "a/b") == (None, [])
        assert not (home / "ran").exists()

    def test_an_identity_token(self, home: Path) -> None:
        helper(home, "one", """echo '{"Username":"<token>","Secret":"s"}'""")
        write(home / ".docker/config.json", {"credsStore": "one"})
        assert find("ghcr.io", "a/b") == (Credential("", "s", is_identity=True), [])

    def test_what_it_does_not_know_may_be_in_the_file(self, home: Path) -> None:
        helper(home, "one", "echo credentials not found in native keychain; exit 1")
        write(home / ".docker/config.json", {"credsStore": "one", "auths": {"ghcr.io": basic("ann", "x")}})
        assert find("ghcr.io", "a/b") == (Credential("ann", "x"), [])

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            ("echo hunter2; exit 7", "failed with status 7"),
            ("echo hunter2", "gave no credential"),
            ("""echo '{"Secret":"hunter2"}'""", "gave no credential"),
        ],
    )
    def test_failures_are_told_without_what_it_said(self, home: Path, script: str, why: str) -> None:
        helper(home, "one", script)
        write(home / ".docker/config.json", {"credsStore": "one"})
        assert find("ghcr.io", "a/b") == (None, [f"the credential helper docker-credential-one {why}"])

    def test_one_that_hangs(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(docker_config, "HELPER_SECONDS", 0.2)
        helper(home, "one", "exec sleep 60")
        write(home / ".docker/config.json", {"credsStore": "one"})
        _, problems = find("ghcr.io", "a/b")
        assert problems == ["the credential helper docker-credential-one did not answer in 0.2 s"]

    def test_one_that_is_missing(self, home: Path) -> None:
        write(home / ".docker/config.json", {"credsStore": "one"})
        assert find("ghcr.io", "a/b")[1] == ["the credential helper docker-credential-one is not in PATH"]

    def test_one_that_is_no_program(self, home: Path) -> None:
        (home / "bin/docker-credential-one").write_bytes(b"\x7fELF")
        (home / "bin/docker-credential-one").chmod(0o755)
        write(home / ".docker/config.json", {"credsStore": "one"})
        problem = "the credential helper docker-credential-one cannot be run: Exec format error"
        assert find("ghcr.io", "a/b")[1] == [problem]

    @pytest.mark.parametrize("name", ["../evil", "a b", "A", "x;y", "x/y", "x\n"])
    def test_names_that_are_none(self, home: Path, name: str) -> None:
        write(home / ".docker/config.json", {"credsStore": name})
        assert find("ghcr.io", "a/b")[1] == ["the credential helper has a name that is none"]

    @pytest.mark.parametrize("path", [".", "", "bin"])
    def test_never_from_the_working_directory(self, home: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        helper(home, "one", f"touch {home}/ran")
        (home / "docker-credential-one").write_text(f"#!/bin/sh\ntouch {home}/ran\n")
        (home / "docker-credential-one").chmod(0o755)
        monkeypatch.setenv("PATH", path)
        write(home / ".docker/config.json", {"credsStore": "one"})
        assert find("ghcr.io", "a/b")[1] == ["the credential helper docker-credential-one is not in PATH"]
        assert not (home / "ran").exists()
