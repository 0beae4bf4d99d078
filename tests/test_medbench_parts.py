"""Pictures and PDF pages of the starter items arrive at a server as parts, text first, in order."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from servers import Server

from medcheck.readers.medbench import read


def asked(project: Path, folder: Path, suite: str, *options: str) -> list[list[dict[str, Any]]]:
    """Run a starter suite at a local server; return the parts of each question."""
    shutil.copytree(project / "cases", folder / "cases")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with Server("无") as server:
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", suite, "--model=m",
                f"--base-url={server.url}", "-p", "no:cacheprovider", *options,
            ],
            cwd=folder, capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return [body["messages"][-1]["content"] for body in server.bodies]


def pictures(parts: list[dict[str, Any]]) -> list[bytes]:
    """Return the bytes of the pictures behind the text."""
    assert [part["type"] for part in parts] == ["text"] + ["image_url"] * (len(parts) - 1)
    urls = [part["image_url"]["url"] for part in parts[1:]]
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    return [base64.b64decode(url.split(",", 1)[1]) for url in urls]


def test_pictures(project: Path, tmp_path: Path) -> None:
    """Only the sets that were chosen are asked; each picture is the file to the byte."""
    chosen = "--set=medbench_starter_vlm.data.options.sets=[MedQC,MedGen]"
    found = asked(project, tmp_path, "cases/medbench_starter_vlm.yaml", chosen)
    folder = project / "cases" / "medbench_starter" / "vlm"
    cases = list(read(folder, {"track": "vlm", "sets": ["MedQC", "MedGen"]}))
    assert len(found) == len(cases) == 2
    sent = {parts[0]["text"]: pictures(parts) for parts in found}
    for case in cases:
        files = [Path(image.path).read_bytes() for image in case.messages[0].images]
        assert sent[case.messages[0].text] == files


def test_pages(project: Path, tmp_path: Path) -> None:
    """Both pages of a PDF come as pictures, the first one first, and never the PDF itself."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    suite = "cases/medbench_starter/medbench_starter_pdf.yaml"
    [parts] = asked(project, tmp_path, suite)
    folder = project / "cases" / "medbench_starter" / "pdf"
    options = {"track": "vlm", "cache": str(tmp_path / "cache")}
    [case] = read(folder, options)
    pages = [Path(image.path).read_bytes() for image in case.messages[0].images]
    assert len(pages) == 2
    assert pages[0] != pages[1]
    assert pictures(parts) == pages
    assert "图1、图2" in parts[0]["text"]
