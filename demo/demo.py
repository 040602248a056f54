"""The demo: what Pitviper says about this Python, a small project that is about to be published, and an image of it.

Project and image are made when the demo runs, in a temporary folder, with fakes that are made from the templates of the
rules: no token stands in this file. `python demo/demo.py` exits with 1 if anything that was planted is not found.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import image

from pitviper.rules.proof import compiled
from pitviper.rules.template import make

FILES = {
    "shop/settings.py": "import os\n\n"
    'AWS_ACCESS_KEY_ID = "AKIA{aws-access-key-id}"\n'
    'AWS_SECRET_ACCESS_KEY = "{base64:40}"\n'
    'SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]\n',
    "shop/assistant.py": 'client = OpenAI(api_key="sk-proj-{base64url:74}T3BlbkFJ{base64url:74}")\n',
    ".env": "DEBUG=0\nDATABASE_URL=postgresql://shop:{base62:22}@db.prod.acme.io:5432/shop\n",
    ".pypirc": "[distutils]\nindex-servers = pypi\n\n[pypi]\nusername = __token__\npassword = pypi-{pypi-macaroon}\n",
    "deploy/id_deploy": "{private-key}\n",
    "shop/release.py": 'TOKEN = "ghp_{base62:30}{crc32-base62}"  # pitviper: allow[github-pat] revoked in May\n',
    "README.md": "Set `AWS_ACCESS_KEY_ID=AKIAIOSFODNN7{upper:0}EXAMPLE` and `TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxx`.\n",
    "tests/test_sign_in.py": 'PASSWORD = "{base62:24}"\n',
}
"""Name → template. The last three are accepted, placeholders and of a test: they must not be reported to everyone."""

UTF_16 = "deploy/notes.txt"
BYTECODE = "shop/__pycache__/build.cpython-311.pyc"
EXPECTED = {
    ("shop/settings.py", "aws-access-key-id"),
    ("shop/assistant.py", "openai-project-key"),
    (".env", "url-credentials"),
    (".pypirc", "pypi-token"),
    ("deploy/id_deploy", "private-key"),
    (UTF_16, "slack-webhook"),
    (BYTECODE, "github-pat"),
    (BYTECODE, "stale-bytecode"),
}
"""Path in the project, and rule."""
STORY = "the bytecode was compiled from other source than the build.py beside it"


def main() -> int:
    """Make the project, scan, show the report, and check that nothing planted was missed."""
    with tempfile.TemporaryDirectory(prefix="pitviper-demo-") as folder:
        project = os.path.join(folder, "project")
        saved = os.path.join(folder, "app.tar")
        _plant(Path(project))
        image.save(Path(saved))
        report = os.path.join(folder, "report.json")
        paths = sysconfig.get_paths()
        targets = list(dict.fromkeys((paths["stdlib"], paths["purelib"], project, saved)))
        print(f"pitviper scan {' '.join(targets)}\n", flush=True)
        scan = [sys.executable, "-m", "pitviper", "scan", "-o", "text", "-o", f"json:{report}", *targets]
        code = subprocess.run(scan, check=False).returncode
        return _verdict(code, json.loads(Path(report).read_text(encoding="utf-8")), project)


def _plant(project: Path) -> None:
    for name, template in FILES.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(template, f"demo/{name}"), encoding="utf-8")
    hook = "https://hooks.slack.com/services/T{upper-digits:10}/B{upper-digits:10}/{base62:24}"
    (project / UTF_16).write_text(make(f"Alerts go to {hook}\r\n", "hook"), encoding="utf-16")
    # The leak of July 2024: the token is gone from the source, and lives on in the bytecode.
    (project / "shop/build.py").write_text('import os\n\nTOKEN = os.environ["GITHUB_TOKEN"]\n', encoding="utf-8")
    path = project / BYTECODE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(compiled(make("ghp_{base62:30}{crc32-base62}", "leak")))


def _verdict(code: int, report: dict[str, object], project: str) -> int:
    """Whether the report holds what was planted and no more; says so."""
    findings = report["findings"]
    assert isinstance(findings, list)
    found = {(os.path.relpath(item["place"]["path"], project), item["rule"]) for item in findings}
    expected = EXPECTED | {(os.path.join("..", name), rule) for name, rule in (*image.EXPECTED.items(), *image.LEFT)}
    names = {name for name, _ in expected}
    planted = {one for one in found if one[0] in names or not one[0].startswith("..")}
    removed = {item["rule"] for item in findings if item["place"]["removed_in"] == "4"}
    told = sum(STORY in reason["text"] for item in findings for reason in item["evidence"])
    if planted != expected or code != 1 or removed != set(image.EXPECTED.values()) or told != 2:  # noqa: PLR2004
        print(f"\nThe demo failed: expected {expected}, found {planted}, exit code {code}")
        return 1
    print(
        f"\nAll {len(expected)} planted findings are there: {len(removed)} in files that a later layer of the image "
        f"deletes, {told} tokens that are gone from the source and not from the bytecode beside it. "
        f"{len(found) - len(planted)} findings in this Python itself. Exit code {code}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
