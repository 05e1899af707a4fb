"""The Hub, with the real client in a process of its own against a local server.

A process of its own because the client reads ``HF_ENDPOINT`` and ``HF_HOME`` when it is imported.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from semcom_core.manifest import Entry
from tests.hub_server import HubServer

PROJECT = Path(__file__).parents[2]
REPO = "teacher/semcom-weights"
TOKEN = "hf_thisTokenMustNeverBePrinted"
CONFIG = {"arguments": {}, "domain": "digits", "network": "tiny", "recipe": "digits/base", "recipe_digest": "0" * 16}
MODEL_FILE, CONFIG_FILE = "digits/base/model.safetensors", "digits/base/config.json"
FILES = {MODEL_FILE: b"not parsed by pull" * 500, CONFIG_FILE: json.dumps(CONFIG).encode()}

WITH_TINY = """
from pathlib import Path
from torch import nn
from semcom_core import models, weights
models.MODELS["tiny"] = models.ModelSpec(lambda: nn.Linear(2, 2), {})
"""


@dataclass
class Client:
    """Runs code or commands in a "clone" with a given weights folder, cache and Hub.

    The clone is the package under another folder, beside which lies the test's manifest.
    """

    base: Path
    environment: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.base / "weights"

    @property
    def manifest(self) -> Path:
        return self.base / "clone" / "weights" / "manifest.json"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``python …`` in the clone."""
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.base / "clone", env=self.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert TOKEN not in result.stdout + result.stderr
        return result

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        return self.run("-c", code)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``python -m semcom_core …``."""
        return self.run("-m", "semcom_core", *arguments)

    def refused(self, *arguments: str) -> str:
        """The sentence with which a command must end: no traceback, no path, nothing placed."""
        result = self.command(*arguments)
        assert result.returncode == 1, result.stderr
        assert "Traceback" not in result.stderr
        assert str(self.base) not in result.stderr
        assert self.placed() == set()
        return result.stderr.strip().splitlines()[-1]

    def placed(self) -> set[str]:
        """Every file under the weights folder, leftovers included."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def promise(self, files: dict[str, bytes]) -> None:
        """Write the clone's manifest."""
        entries = {file: {"sha256": Entry.of(data).sha256, "bytes": len(data)} for file, data in files.items()}
        self.manifest.write_text(json.dumps({"version": 1, "files": entries}))


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as running:
        yield running


@pytest.fixture
def client(server: HubServer, tmp_path: Path) -> Client:
    """An empty weights folder, an empty cache, and a Hub that has what the manifest promises."""
    # A fresh environment: no proxy, token or cache of this machine plays a part.
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"),
        "HF_ENDPOINT": server.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "SEMCOM_WEIGHTS": str(tmp_path / "weights"),
        "SEMCOM_HUB_REPO": REPO, "SEMCOM_HUB_REVISION": server.add_commit(REPO, FILES), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    client = Client(tmp_path, environment)
    client.manifest.parent.mkdir(parents=True)
    (tmp_path / "clone" / "semcom_core").symlink_to(PROJECT / "semcom_core")
    client.promise(FILES)
    return client


def test_pull_force_into_an_empty_folder(client: Client, server: HubServer) -> None:
    server.token = client.environment["HF_TOKEN"] = TOKEN
    result = client.command("pull", "--force")
    assert result.returncode == 0, result.stderr
    assert "2 files placed" in result.stdout
    assert {file: (client.folder / file).read_bytes() for file in client.placed()} == FILES
    assert not server.leaked, "the token must not reach the CDN"


def test_only_force_downloads_again(client: Client, server: HubServer) -> None:
    assert client.command("pull").returncode == 0
    gets = server.count("GET", CONFIG_FILE)
    assert gets == 1
    # What is present and right needs no network at all; --force asks for every file again.
    before = len(server.requests)
    assert "0 files placed" in client.command("pull").stdout
    assert len(server.requests) == before
    (client.folder / CONFIG_FILE).write_bytes(b"{}")
    assert "1 files placed" in client.command("pull").stdout
    assert server.count("GET", CONFIG_FILE) == gets, "repaired from the cache"
    assert "2 files placed" in client.command("pull", "--force").stdout
    assert server.count("GET", CONFIG_FILE) == gets + 1


def test_second_download_comes_from_the_cache_even_if_the_hub_is_down(client: Client, server: HubServer) -> None:
    code = f"""
from semcom_core import hub
print(hub.fetch(hub.source(), {MODEL_FILE!r}).read_bytes()[:3])
"""
    assert client.python(code).stdout.strip() == "b'not'"
    before = len(server.requests)
    server.broken = 503
    assert client.python(code).stdout.strip() == "b'not'"
    assert len(server.requests) == before


@pytest.mark.parametrize("file", FILES)
def test_wrong_hash_is_refused_and_nothing_is_placed(client: Client, server: HubServer, file: str) -> None:
    server.swapped[file] = FILES[file][:-1] + b"!"
    sentence = client.refused("pull", "--force")
    assert f"{file} from the Hub differs from the manifest" in sentence


def test_refused_pull_leaves_what_was_there(client: Client, server: HubServer) -> None:
    assert client.command("pull").returncode == 0
    server.swapped[MODEL_FILE] = b"evil"
    assert client.command("pull", "--force").returncode == 1
    assert {file: (client.folder / file).read_bytes() for file in client.placed()} == FILES


def test_force_recovers_from_a_wrong_file_in_the_cache(client: Client, server: HubServer) -> None:
    server.swapped[CONFIG_FILE] = b"{}"
    client.refused("pull")
    server.swapped.clear()
    assert "--force" in client.refused("pull"), "the wrong file is still in the cache, and the sentence says what to do"
    assert client.command("pull", "--force").returncode == 0
    assert client.placed() == set(FILES)


def test_folder_that_cannot_be_written(client: Client) -> None:
    client.folder.write_bytes(b"a file where the folder should be")
    result = client.command("pull")
    assert result.returncode == 1
    assert "weights folder cannot be written" in result.stderr.splitlines()[-1]


def test_missing_file(client: Client, server: HubServer) -> None:
    client.promise(FILES | {"digits/judge/config.json": b"{}"})
    assert "has no file digits/judge/config.json" in client.refused("pull", "--force")


@pytest.mark.parametrize("status", [500, 503])
def test_server_error(client: Client, server: HubServer, status: int) -> None:
    server.broken = status
    assert f"The Hub answered {status}" in client.refused("pull", "--force")


def test_server_down(client: Client, server: HubServer) -> None:
    server.http.shutdown()
    server.http.server_close()
    assert "The Hub cannot be reached" in client.refused("pull", "--force")


@pytest.mark.parametrize("token", [None, "hf_wrong"])
def test_unauthorised(client: Client, server: HubServer, token: str | None) -> None:
    server.token = TOKEN
    if token:
        client.environment["HF_TOKEN"] = token
    sentence = client.refused("pull", "--force")
    assert "refuses access" in sentence
    assert "401" in sentence
    assert "HF_TOKEN" in sentence
    assert "hf_wrong" not in sentence


def test_unknown_repository_and_commit(client: Client) -> None:
    client.environment["SEMCOM_HUB_REVISION"] = "0" * 40
    assert "no such commit" in client.refused("pull")
    client.environment["SEMCOM_HUB_REPO"] = "teacher/other"
    assert "no repository teacher/other" in client.refused("pull")


@pytest.mark.parametrize(
    ("repo", "revision", "words"),
    [
        ("", "", "Set SEMCOM_HUB_REPO"),
        (REPO, "", "full commit hash"),
        (REPO, "main", "full commit hash"),
        (REPO, "v1.0", "full commit hash"),
        (REPO, "0123abc", "full commit hash"),
        ("semcom-weights", "0" * 40, "owner/name"),
        ("https://example.org/a/b", "0" * 40, "owner/name"),
    ],
)
def test_settings(monkeypatch: pytest.MonkeyPatch, repo: str, revision: str, words: str) -> None:
    from semcom_core import hub

    monkeypatch.setenv("SEMCOM_HUB_REPO", repo)
    monkeypatch.setenv("SEMCOM_HUB_REVISION", revision)
    with pytest.raises(hub.HubMisconfigured, match=words):
        hub.pull()


def test_publish_then_load_from_the_hub_then_pull(client: Client, server: HubServer) -> None:
    """The owner's whole way, with real tensors: save, publish, pin, load, pull, load."""
    server.token = client.environment["HF_TOKEN"] = TOKEN
    save = (
        WITH_TINY
        + f"""
config = {CONFIG!r}
weights.save("digits/base", models.build("tiny", {{}}), config)
Path(weights.root(), "digits/base/results.json").write_text('{{"accuracy": 0.99}}')
weights.write_card("digits/base")
Path(weights.root(), "digits/base/secret.txt").write_text("not part of a model")
weights.publish("teacher/mine", private=True)
weights.publish("teacher/mine")
"""
    )
    result = client.python(save)
    assert result.returncode == 0, result.stderr
    revisions = re.findall(r"^SEMCOM_HUB_REVISION=([0-9a-f]{40})$", result.stdout, re.MULTILINE)
    assert len(revisions) == 2
    assert len(set(revisions)) == 1, "publishing again changes nothing"
    assert "SEMCOM_HUB_REPO=teacher/mine" in result.stdout

    published = server.repos["teacher/mine"][revisions[0]]
    extras = {"README.md", "digits/base/README.md", "digits/base/results.json", ".gitattributes"}
    assert set(published) == extras | {MODEL_FILE, CONFIG_FILE}, "no manifest, nothing unexpected"
    assert published[MODEL_FILE] == (client.folder / MODEL_FILE).read_bytes()
    assert b"digits/base" in published["README.md"]
    assert b"| accuracy | 0.99 |" in published["digits/base/README.md"]

    # A visitor's machine: only the manifest from git.
    client.environment |= {"SEMCOM_HUB_REPO": "teacher/mine", "SEMCOM_HUB_REVISION": revisions[0]}
    (client.folder / "manifest.json").replace(client.manifest)
    client.folder.rename(client.base / "old")
    load = (
        WITH_TINY
        + """
print(weights.available("digits"))
for _ in range(2):
    loaded = weights.load("digits/base")
    print(loaded.located.origin, loaded.located.revision, loaded.module.weight.sum().item())
"""
    )
    from_hub = client.python(load).stdout.splitlines()
    assert from_hub[0] == "['digits/base']"
    assert from_hub[1] == from_hub[2]
    assert from_hub[1].startswith(f"hub {revisions[0]} ")
    gets = [server.count("GET", part) for part in (f"resolve/{revisions[0]}/", Entry.of(published[MODEL_FILE]).sha256)]
    assert gets == [1, 1], "configuration and weights once each, though loaded twice"
    assert client.placed() == set(), "loading from the Hub does not write into the weights folder"

    assert client.command("pull", "--force").returncode == 0
    del client.environment["SEMCOM_HUB_REPO"]
    local = client.python(load).stdout.splitlines()
    assert local[1].split()[0] == "bundled"
    assert local[1].split()[2] == from_hub[1].split()[2]
    assert not server.leaked


def test_load_refuses_a_swapped_file_of_the_hub(client: Client, server: HubServer) -> None:
    server.swapped[CONFIG_FILE] = b'{"network": "evil"}'
    code = (
        WITH_TINY
        + """
try:
    weights.load("digits/base")
except weights.TamperedWeights as error:
    print(error)
"""
    )
    assert "digits/base/config.json from the Hub differs" in client.python(code).stdout


@pytest.mark.parametrize("damage", ["differs", "cannot be read"])
def test_publish_refuses_files_that_differ_from_the_manifest(client: Client, server: HubServer, damage: str) -> None:
    for file, data in FILES.items():
        (client.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (client.folder / file).write_bytes(data)
    if damage == "differs":
        (client.folder / MODEL_FILE).write_bytes(FILES[MODEL_FILE][:-1] + b"!")
    else:
        (client.folder / MODEL_FILE).unlink()
    result = client.command("publish", "teacher/mine")
    assert result.returncode == 1
    assert damage in result.stderr
    assert not server.requests, "refused before anything was sent"


def test_publish_without_permission(client: Client, server: HubServer) -> None:
    assert client.command("pull").returncode == 0
    server.token = TOKEN
    client.environment["HF_TOKEN"] = "hf_wrong"
    result = client.command("publish", "teacher/mine")
    assert result.returncode == 1
    assert "refuses access to teacher/mine" in result.stderr
