"""The container without a container engine: its files are parsed, and what they run is run.

The whole installation takes minutes and gigabytes: it is tested with ``SEMCOM_TEST_IMAGE=1``.
"""

from __future__ import annotations

import ast
import contextlib
import fnmatch
import http.server
import importlib.metadata
import itertools
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
APP_USER = 1000
_KNOWN = {"FROM", "ARG", "RUN", "USER", "WORKDIR", "ENV", "COPY", "EXPOSE", "HEALTHCHECK", "CMD"}
_START_S = 180


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined and comments left out."""
    lines = [line for line in (PROJECT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def of(name: str) -> list[str]:
    return [argument for instruction, argument in instructions() if instruction == name]


def copied() -> list[tuple[str, str]]:
    """(source, target) of every COPY."""
    pairs = []
    for argument in of("COPY"):
        *sources, target = [word for word in shlex.split(argument) if not word.startswith("--")]
        pairs += [(source, target) for source in sources]
    return pairs


def front_matter() -> dict[str, object]:
    return yaml.safe_load((PROJECT / "README.md").read_text().split("---\n")[1])


def health_command() -> list[str]:
    (argument,) = of("HEALTHCHECK")
    return json.loads(argument.partition("CMD ")[2])


def is_ignored(path: str) -> bool:
    """.dockerignore's verdict: the last pattern that matches the path or a folder above it decides."""
    ignored = False
    parts = path.split("/")
    above = ["/".join(parts[: number + 1]) for number in range(len(parts))]
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        matching = [pattern, pattern.removeprefix("**/")]
        if any(fnmatch.fnmatchcase(one, each) for one in above for each in matching):
            ignored = not line.startswith("!")
    return ignored


@contextlib.contextmanager
def started(folder: Path, python: Path, port: int, **more: str) -> Iterator[subprocess.Popen]:
    """The image's start command, as the image's user, in a folder that this user cannot write."""
    (argument,) = of("CMD")
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    os.chown(home, *_user())
    environment = {"HOME": str(home), "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin"} | more
    command = [word.replace("8501", str(port)).replace("0.0.0.0", "127.0.0.1") for word in json.loads(argument)]
    log = (folder.parent / "log.txt").open("w")
    server = subprocess.Popen([*_as_user(python), *command], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield server
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def _user() -> tuple[int, int]:
    return (APP_USER, APP_USER) if os.getuid() == 0 else (os.getuid(), os.getgid())


def _as_user(python: Path) -> list[str]:
    """What to put before a command so that it runs without rights of root."""
    if os.getuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv cannot become another user")
    become = ["setpriv", f"--reuid={APP_USER}", f"--regid={APP_USER}", "--clear-groups"]
    able = [*become, "sh", "-c", f"{shlex.quote(str(python))} -c 'import json'"]
    if subprocess.run(able, capture_output=True).returncode == 0:
        return [*become, "--no-new-privs"]
    # This interpreter lies where only root may look: the right to read, and no right to write.
    return [*become, "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_healthy(port: int) -> bool:
    """The image's own health check."""
    command = [word.replace("8501", str(port)) for word in health_command()]
    assert command[0] == "python"
    return subprocess.run([sys.executable, *command[1:]], capture_output=True).returncode == 0


def wait_until_healthy(server: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not is_healthy(port):
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.3)


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """What the image holds: the files that COPY copies, where it copies them."""
    tmp_path.chmod(0o755)
    for above in tmp_path.parents:
        if above.stat().st_uid == os.getuid() and above != Path("/tmp"):
            with contextlib.suppress(OSError):
                above.chmod(above.stat().st_mode | 0o055)
        if above == Path("/tmp"):
            break
    folder = tmp_path / "lab"
    folder.mkdir()
    for source, target in copied():
        here, there = PROJECT / source, folder / target
        if here.is_dir():
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, there)
    return folder


class TestDockerfile:
    def test_every_instruction_is_known_and_the_base_is_slim(self) -> None:
        assert {name for name, _ in instructions()} <= _KNOWN
        (base,) = of("FROM")
        version = re.fullmatch(r"python:3\.(\d+)-slim", base)
        assert version and int(version[1]) >= 11  # as the README asks for

    def test_nothing_but_making_the_user_is_done_by_root(self) -> None:
        before = itertools.takewhile(lambda one: one[0] != "USER", instructions())
        (made,) = [argument for name, argument in before if name == "RUN"]
        assert made.startswith("useradd ") and f"--uid {APP_USER} " in made
        assert of("USER") == [made.split()[-1]]
        assert not any(word in made for word in ("sudo", "chmod"))
        for argument in of("COPY"):
            assert argument.startswith(f"--chown={of('USER')[0]}:")

    def test_what_is_copied_exists_and_is_not_ignored(self) -> None:
        for source, _ in copied():
            assert (PROJECT / source).exists(), source
            some = source if source != ".streamlit" else ".streamlit/config.toml"
            assert not is_ignored(some), source
        for kept_out in ("tests/core/test_link.py", ".git/config", "runs/x.pt", "README.md", ".venv/bin/python"):
            assert is_ignored(kept_out), kept_out
        assert is_ignored("pages/widgets/__pycache__/x.pyc")
        assert not is_ignored("semcom_core/training/recipes/digits/base.toml")

    def test_weights_are_inside(self) -> None:
        assert ("weights", "./weights") in copied()
        entries = json.loads((PROJECT / "weights" / "manifest.json").read_text())["files"]
        assert entries and not any(is_ignored(f"weights/{file}") for file in entries)

    def test_ports_agree(self) -> None:
        (port,) = of("EXPOSE")
        assert f"--server.port={port}" in of("CMD")[0]
        assert any(f":{port}/" in word for word in health_command())
        matter = front_matter()
        assert (matter["sdk"], str(matter["app_port"])) == ("docker", port)
        assert len(str(matter["short_description"])) <= 60  # the Hub refuses longer ones

    def test_the_settings_of_a_public_server(self) -> None:
        import tomllib

        settings = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())
        assert settings["server"]["enableXsrfProtection"] is True
        assert settings["server"].get("enableCORS", True) is True
        assert settings["server"]["maxUploadSize"] <= 8
        assert settings["browser"]["gatherUsageStats"] is False
        assert settings["client"]["showErrorDetails"] == "none"


class TestRequirements:
    @pytest.fixture
    def lists(self, tmp_path: Path) -> dict[str, str]:
        """The two lists that the installation makes of requirements.txt, made by its own commands."""
        install = of("RUN")[1]
        shutil.copy(PROJECT / "requirements.txt", tmp_path)
        steps = [step for step in install.split("&&") if step.strip().startswith(("grep", "sed"))]
        assert len(steps) == 2
        script = " && ".join(steps).replace("/tmp/", f"{tmp_path}/")
        subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True)
        return {name: (tmp_path / f"{name}.txt").read_text() for name in ("torch", "app")}

    def test_torch_and_torchvision_come_as_a_pair(self, lists: dict[str, str]) -> None:
        pins = [line.split()[0] for line in lists["torch"].splitlines()]
        assert [pin.partition("==")[0] for pin in pins] == ["torch", "torchvision"]
        assert all(pin in lists["app"] for pin in pins)  # so that the second step finds them fulfilled

    def test_everything_that_the_app_imports_and_no_test_tool(self, lists: dict[str, str]) -> None:
        names = {re.split(r"[<>=\s#]", line)[0] for line in lists["app"].splitlines() if line and line[0] not in "# "}
        assert names and not names & {"pytest", "hypothesis", "playwright", "ruff", "diffusers"}
        given_by = importlib.metadata.packages_distributions()
        normal = {re.sub(r"[-_.]+", "-", name).lower() for name in names}
        for path in [PROJECT / "app.py", *(PROJECT / "pages").rglob("*.py"), *(PROJECT / "semcom_core").rglob("*.py")]:
            for module in _imported(path) - set(sys.stdlib_module_names) - {"pages", "semcom_core", "playwright"}:
                found = {re.sub(r"[-_.]+", "-", one).lower() for one in given_by.get(module, ())}
                assert found & normal, f"{path.relative_to(PROJECT)} imports {module}"


def _imported(path: Path) -> set[str]:
    """Top-level modules that a file imports when it is imported."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


class TestHealthCheck:
    @pytest.mark.parametrize(
        ("status", "body", "healthy"),
        [(200, b"ok", True), (200, b"<html>Bad gateway</html>", False), (200, b"", False), (503, b"ok", False)],
    )
    def test_the_body_counts(self, status: int, body: bytes, healthy: bool) -> None:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            assert is_healthy(server.server_port) is healthy
            server.shutdown()

    def test_nobody_there(self) -> None:
        assert not is_healthy(free_port())


class TestStart:
    @pytest.mark.slow
    @pytest.mark.parametrize("on_a_space", [False, True])
    def test_starts_as_an_ordinary_user_who_cannot_write_the_code(self, staged: Path, on_a_space: bool) -> None:
        port = free_port()
        more = {"SPACE_ID": "owner/semcom-lab"} if on_a_space else {}
        before = sorted(staged.rglob("*"))
        with started(staged, Path(sys.executable), port, **more) as server:
            wait_until_healthy(server, port, staged.parent / "log.txt")
            if sys.platform == "linux":
                uids = re.search(r"Uid:\s+(\d+)\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())
                assert uids and 0 not in map(int, uids.groups())
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10) as answer:
                cookies = " ".join(answer.headers.get_all("Set-Cookie") or [])
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                assert b"<title>" in answer.read()
                # Within the Hub's frame: nothing here forbids to be framed.
                assert "X-Frame-Options" not in answer.headers
        assert "_streamlit_xsrf=" in cookies
        assert ("SameSite=None" in cookies and "Secure" in cookies) is on_a_space
        assert sorted(staged.rglob("*")) == before


class TestCompose:
    def test_replicas_share_nothing_and_visitors_stay_where_they_are(self) -> None:
        compose = yaml.safe_load((PROJECT / "compose.yaml").read_text())
        lab, proxy = compose["services"]["lab"], compose["services"]["proxy"]
        (port,) = of("EXPOSE")
        assert lab["expose"] == [port] and "ports" not in lab  # only the proxy is reached from outside
        assert "volumes" not in lab and "volumes" not in compose
        assert lab["read_only"] and lab["cap_drop"] == ["ALL"] and lab["deploy"]["replicas"] >= 2
        (config,) = proxy["configs"]
        caddyfile = compose["configs"][config["source"]]["content"]
        assert "lb_policy cookie" in caddyfile and "name lab" in caddyfile and f"port {port}" in caddyfile
        assert caddyfile.count("{") == caddyfile.count("}")
        allowed = int(re.search(r"max_size (\d+)MB", caddyfile)[1])
        assert allowed > 8  # the app's own limit answers with a sentence, the proxy's does not
        for name in lab["environment"]:
            assert any(name in path.read_text() for path in (PROJECT / "semcom_core").rglob("*.py")), name


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("SEMCOM_TEST_IMAGE") != "1", reason="SEMCOM_TEST_IMAGE=1 installs gigabytes")
def test_the_installation_gives_an_app_that_runs(staged: Path) -> None:
    """Every RUN after USER, as the image's user, with the image's folders moved to a temporary one."""
    root = staged.parent / "app"
    root.mkdir()
    if os.getuid() == 0:
        os.chown(root, *_user())
    base = Path(sys.base_prefix) / "bin" / "python3"
    become = _as_user(base)
    (index,) = [argument.partition("=")[2] for argument in of("ARG") if argument.startswith("TORCH_INDEX")]
    given = os.environ.get("SEMCOM_TEST_TORCH_INDEX", index)  # for machines that reach another one only
    path = f"{root}/venv/bin:{os.environ['PATH']}"
    environment = os.environ | {"HOME": str(root), "PATH": path, "TORCH_INDEX": given}
    lists = root / "lists"
    places = {"/tmp/": f"{lists}/", "/app/venv": f"{root}/venv", "python -m venv": f"{base} -m venv"}
    script = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], of("RUN")[1])
    script = f"mkdir {lists} && {script}"
    subprocess.run([*become, "sh", "-c", script], cwd=staged, env=environment, check=True)
    python = root / "venv" / "bin" / "python"
    installed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert "hypothesis" not in installed
    size = sum(path.lstat().st_size for path in (root / "venv").rglob("*") if path.is_file())
    print(f"installed: {size / 1e9:.2f} GB")
    if given == index:
        assert "nvidia" not in installed.lower() and size < 2.5e9
    port = free_port()
    with started(staged, python, port) as server:
        wait_until_healthy(server, port, staged.parent / "log.txt")
    program = "import torch, torchvision; from semcom_core import link; print(len(link.trained_defenses('digits')))"
    done = subprocess.run([*become, python, "-c", program], cwd=staged, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and int(done.stdout) > 1, done.stderr[-2000:]
