"""The picture in docs/architecture.md holds: who imports whom, what is tested."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "medcheck"
TESTS = PACKAGE.parent / "tests"
FILES = sorted(PACKAGE.rglob("*.py"))

LEVELS = {
    "types": 0, "errors": 0,
    "scoring": 1, "stats": 1, "replies": 1, "prompts": 1, "shelves": 1, "tags": 1,
    "tokens": 1, "limits": 1, "lines": 1,
    "settings": 2, "store": 2, "readers": 2, "providers": 2, "fetching": 2, "answers": 2,
    "packs": 2,
    "canonical": 3, "client": 3, "suites": 3,
    "graders": 4, "listing": 4,
    "engine": 5,
    "summary": 6, "extras": 6, "levels": 6, "undecided": 6, "beside": 6, "losses": 6,
    "evidence": 6, "review": 6, "gate": 6,
    "certificates": 6, "noise": 6, "certifying": 7,
    "baselines": 6, "leaderboard": 6, "costs": 6, "published": 6, "comparing": 7,
    "writers": 7, "refining": 7,
    "pytest_plugin": 8, "commands": 8, "__main__": 8, "__init__": 8,
}  # fmt: skip
"""A module may import those of lower levels, and its own package."""
NEIGHBORS_APART = {"store", "readers", "providers", "settings", "fetching"}
REPORTS = {"summary", "writers", "evidence"}
NOT_FOR_REPORTS = {"providers", "readers", "client", "suites", "graders", "engine"}
MAX_LINES = 400


def module(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level modules of ours that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "medcheck":
                yield from (alias.name for alias in node.names)
            elif node.module.startswith("medcheck."):
                yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("medcheck."):
                    yield alias.name.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    """A module imports lower levels only, and modules that touch the outside not each other."""
    own = module(path)
    for other in set(imports(path)) - {own}:
        assert LEVELS[other] <= LEVELS[own], f"{path} imports {other}"
        if {own, other} <= NEIGHBORS_APART:
            pytest.fail(f"{path}: {own} and {other} are neighbors that do not know each other")
        if own in REPORTS:
            assert other not in NOT_FOR_REPORTS, f"{path}: a report needs no {other}"


def test_every_module_has_a_level():
    """A new top-level module is placed in the picture before it is used."""
    assert {module(path) for path in FILES} - {"__init__"} <= set(LEVELS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_short_and_quiet(path):
    """No file exceeds 400 lines, only the command line prints, nothing opens a back door."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    banned = {"eval", "exec", "compile", "__import__"}
    if module(path) != "commands":
        banned |= {"print"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            assert name not in banned, f"{path}:{node.lineno} calls {name}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & {"pickle", "marshal", "shelve", "dill"}, f"{path}:{node.lineno}"
        if isinstance(node, ast.keyword) and node.arg in ("shell", "verify"):
            value = node.value
            assert not isinstance(value, ast.Constant), f"{path}: {node.arg}={ast.dump(value)}"


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.name != "__init__.py"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_every_module_is_tested(path):
    """Each module has a test file that names it, in the same place of the tests' tree."""
    folder = TESTS / path.relative_to(PACKAGE).parent
    if module(path) == "commands":
        return  # tests/commands/test_commands.py calls each; its work is tested where it lives
    stem = path.stem.strip("_")
    texts = [file.read_text(encoding="utf-8") for file in folder.glob("test_*.py")]
    dotted = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    named = any(file.stem.endswith(stem) for file in folder.glob("test_*.py"))
    assert named or any(dotted in text or f"import {path.stem}" in text for text in texts), dotted


def test_templates_and_schemas_are_used():
    """No prompt, page or reply schema lies about unused."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    pages = "\n".join(p.read_text(encoding="utf-8") for p in PACKAGE.rglob("*.j2"))
    for path in [*PACKAGE.rglob("*.j2"), *PACKAGE.rglob("*.json")]:
        names = {path.name, path.stem, path.relative_to(PACKAGE).as_posix()}
        assert any(name in source or name in pages for name in names), path
