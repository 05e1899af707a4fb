"""A local HTTP server that speaks as much of the Hub's protocol as the real client needs here.

Reading: ``HEAD``/``GET /<repo>/resolve/<revision>/<file>`` and ``/api/models/<repo>[/revision/…]``.
Large files (``.safetensors``) answer with a redirect to another host, as the Hub redirects to its
CDN; the server lets no token through there. Writing: create, preupload, LFS batch and commit.
Faults are switched on through attributes; every request is recorded.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Refusal(Exception):
    """Ends a request with an error in the Hub's own form."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(status)
        self.status, self.code, self.message = status, code, message


@dataclass
class HubServer:
    """The server and all that it holds; a context manager.

    Attributes:
        repos: for each repository its commits (hash to files), oldest first.
        token: if set, every request must carry it.
        broken: if set, every request is answered with this status.
        swapped: files whose content is replaced on the way out.
        requests: ``(method, path)`` of every request.
        leaked: requests to the "CDN" host that carried a token.
    """

    repos: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    token: str | None = None
    broken: int | None = None
    swapped: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def __enter__(self) -> HubServer:
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    @property
    def cdn(self) -> str:
        """The same server under another host name: to the client another origin."""
        return f"http://localhost:{self.http.server_port}"

    def add_commit(self, repo: str, files: dict[str, bytes]) -> str:
        """Commit files on top of what the repository has; returns the hash."""
        commits = self.repos.setdefault(repo, {})
        files = (list(commits.values())[-1] if commits else {}) | files
        tree = sorted((path, hashlib.sha256(data).hexdigest()) for path, data in files.items())
        revision = hashlib.sha1(json.dumps([len(commits), tree]).encode()).hexdigest()
        commits[revision] = files
        return revision

    def count(self, method: str, part: str) -> int:
        """How many requests of this method had ``part`` in their path."""
        return sum(one == method and part in path for one, path in self.requests)


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._read)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(self._write)

    do_PUT = do_POST

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, handler: Any) -> None:
        path = self.path.partition("?")[0]
        self.hub.requests.append((self.command, path))
        body = self._body()
        try:
            if self.hub.broken:
                raise Refusal(self.hub.broken)
            if self.headers["Host"].startswith("localhost"):
                self._cdn(path, body)
            else:
                self._check_token()
                handler(path.strip("/").split("/"), body)
        except Refusal as refusal:
            headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
            self._send(refusal.status, b"{}", {key: value for key, value in headers.items() if value})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _check_token(self) -> None:
        sent = self.headers.get("Authorization")
        if self.hub.token is None or sent == f"Bearer {self.hub.token}":
            return
        if sent is None:  # the Hub does not say whether a private repository exists
            raise Refusal(401, "RepoNotFound", "Invalid username or password.")
        raise Refusal(401, "", "Invalid credentials in Authorization header")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _cdn(self, path: str, body: bytes) -> None:
        if "Authorization" in self.headers:
            self.hub.leaked.append(path)
        key = path.rpartition("/")[2]
        if self.command == "PUT":
            self.hub.blobs[key] = body
            return self._send(200, b"")
        return self._send(200, self.hub.blobs[key])

    def _commits(self, repo: str) -> dict[str, dict[str, bytes]]:
        if repo not in self.hub.repos:
            raise Refusal(404, "RepoNotFound", "Repository not found")
        return self.hub.repos[repo]

    def _revision(self, repo: str, revision: str) -> str:
        commits = self._commits(repo)
        found = next(reversed(commits), None) if revision == "main" else revision
        if found not in commits:
            raise Refusal(404, "RevisionNotFound", "Invalid rev id")
        return found

    def _read(self, parts: list[str], _: bytes) -> None:
        match parts:
            case ["api", "models", owner, name]:
                self._info(f"{owner}/{name}", "main")
            case ["api", "models", owner, name, "revision", revision]:
                self._info(f"{owner}/{name}", revision)
            case [owner, name, "resolve", revision, *file]:
                self._resolve(f"{owner}/{name}", revision, "/".join(file))
            case _:
                raise Refusal(404)

    def _info(self, repo: str, revision: str) -> None:
        revision = self._revision(repo, revision)
        siblings = [{"rfilename": file} for file in self.hub.repos[repo][revision]]
        self._json({"id": repo, "modelId": repo, "sha": revision, "private": False, "tags": [], "siblings": siblings})

    def _resolve(self, repo: str, revision: str, file: str) -> None:
        revision = self._revision(repo, revision)
        files = self.hub.repos[repo][revision]
        if file not in files:
            raise Refusal(404, "EntryNotFound", "Entry not found")
        data = self.hub.swapped.get(file, files[file])
        headers = {"X-Repo-Commit": revision}
        if not file.endswith(".safetensors"):
            return self._send(200, data, headers | {"ETag": f'"{_git_oid(data)}"'})
        oid = hashlib.sha256(data).hexdigest()
        self.hub.blobs[oid] = data
        headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(data)), "Location": f"{self.hub.cdn}/{oid}"}
        return self._send(302, b"", headers)

    def _write(self, parts: list[str], body: bytes) -> None:
        match parts:
            case ["api", "repos", "create"]:
                self._create(json.loads(body))
            case ["api", "validate-yaml"]:
                self._validate_yaml(json.loads(body)["content"])
            case ["api", "models", owner, name, "preupload", "main"]:
                self._preupload(f"{owner}/{name}", json.loads(body)["files"])
            case ["api", "models", owner, name, "commit", "main"]:
                self._commit(f"{owner}/{name}", [json.loads(line) for line in body.splitlines()])
            case [owner, name, "info", "lfs", "objects", "batch"]:
                self._commits(f"{owner}/{name.removesuffix('.git')}")
                self._lfs_batch(json.loads(body)["objects"])
            case _:
                raise Refusal(404)

    def _create(self, request: dict[str, Any]) -> None:
        repo = f"{request['organization']}/{request['name']}"
        if repo in self.hub.repos:
            return self._send(409, json.dumps({"error": "exists", "url": f"{self.hub.url}/{repo}"}).encode())
        self.hub.repos[repo] = {}
        self.hub.add_commit(repo, {".gitattributes": b""})
        return self._json({"url": f"{self.hub.url}/{repo}"})

    def _validate_yaml(self, card: str) -> None:
        head = card.split("---\n")
        if len(head) < 3 or "license:" not in head[1]:
            return self._send(400, json.dumps({"errors": [{"message": "no front matter"}], "warnings": []}).encode())
        return self._json({"errors": [], "warnings": []})

    def _preupload(self, repo: str, files: list[dict[str, Any]]) -> None:
        have = self.hub.repos[repo][self._revision(repo, "main")]
        self._json({"files": [_upload_mode(file["path"], have.get(file["path"])) for file in files]})

    def _lfs_batch(self, objects: list[dict[str, Any]]) -> None:
        for one in objects:
            if one["oid"] not in self.hub.blobs:
                one["actions"] = {"upload": {"href": f"{self.hub.cdn}/{one['oid']}", "header": {}}}
        self._json({"transfer": "basic", "objects": objects})

    def _commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        files = {}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:  # lfsFile: its content came before
                files[value["path"]] = self.hub.blobs[value["oid"]]
        revision = self.hub.add_commit(repo, files)
        self._json({"commitOid": revision, "commitUrl": f"{self.hub.url}/{repo}/commit/{revision}"})


def _upload_mode(path: str, present: bytes | None) -> dict[str, Any]:
    large = path.endswith(".safetensors")
    oid = None if present is None else hashlib.sha256(present).hexdigest() if large else _git_oid(present)
    return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}


def _git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
