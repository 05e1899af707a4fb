"""Rules of the whole package: no Streamlit below the pages, one direction of imports, small files."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CORE = PROJECT / "semcom_core"
LONGEST = 400


def modules() -> list[Path]:
    return sorted(path for path in CORE.rglob("*.py") if "__pycache__" not in path.parts)


def imported(path: Path) -> set[str]:
    """Full names of everything that a file imports, wherever in the file it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tracked() -> list[Path]:
    """Files that git knows or would add; without git, all that are there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [PROJECT / line for line in listed.stdout.splitlines() if (PROJECT / line).is_file()]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_never_imports_streamlit(path: Path) -> None:
    for name in imported(path):
        assert name.split(".")[0] not in {"streamlit", "pages", "app"}, f"{path.name} imports {name}"


def test_importing_everything_loads_no_streamlit() -> None:
    names = [".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in modules()]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    program = (
        f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
        "print('streamlit' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "False"


# Who may import whom, from DESIGN.md's picture of the signal path; a package may always import itself.
LAYERS = {
    "channels": set(),
    "metrics": set(),
    "ciphers": set(),
    "networks": {"ciphers", "precision"},
    "codecs": {"networks"},
    "diffusion": set(),
    "defenses": {"ciphers", "codecs", "channels", "networks", "diffusion"},
    "attacks": {"defenses", "codecs", "networks", "ciphers", "channels", "domains"},
    "manipulation": {"attacks", "channels", "codecs", "defenses", "domains", "link", "manifest"},
    "models": {"codecs", "networks"},
}


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_one_way(layer: str) -> None:
    files = [path for path in modules() if path.relative_to(CORE).with_suffix("").parts[0] == layer]
    assert files
    for path in files:
        for name in imported(path):
            if name.startswith("semcom_core.") and (other := name.split(".")[1]) != layer:
                assert other in LAYERS[layer], f"{path.relative_to(CORE)} imports {name}"


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(PROJECT)): lines
        for path in tracked()
        if path.suffix in {".py", ".js", ".css", ".toml"} and (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long


def test_no_data_set_is_tracked() -> None:
    """No Parquet or array files, and pictures only where the project draws or shows its own."""
    data = {".parquet", ".npy", ".npz", ".arrow", ".gz", ".zip", ".tar", ".pt", ".pkl"}
    pictures = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"}
    for path in tracked():
        name = path.relative_to(PROJECT)
        assert path.suffix.lower() not in data, f"{name} is a data file"
        if path.suffix.lower() in pictures:
            assert name.parts[0] != "weights", f"{name}: a picture among the weights"
            assert name.parts[0] != "semcom_core", f"{name}: samples are drawn by code, not stored"


def test_no_machine_path_stands_in_a_file() -> None:
    private = [f"/{folder}/" for folder in ("root", "home", "work", "Users")]
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".txt", ".json", ".css", ".js"} or path.name in {"run", "Dockerfile"}:
            text = path.read_text()
            found = [one for one in private if one in text]
            assert not found, f"{path.relative_to(PROJECT)} mentions {found}"


def test_readme_commands_name_existing_files() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert "<!-- test-command -->\n```bash\n" in readme, ".ci/run takes its command from there"
    assert (PROJECT / "requirements.txt").is_file()
    assert (PROJECT / "app.py").is_file()
