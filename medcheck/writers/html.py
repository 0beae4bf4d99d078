"""The HTML report: one self-contained page for one run, or for several side by side.

The page loads nothing and sends nothing: its one script and one style sheet are named by hash in
its content security policy. Tables are prepared in `_html_tables`, cases in `_html_cases`; markup,
style, script and labels stand in `pages/`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from medcheck.summary import Summary
from medcheck.types import Run
from medcheck.writers import _html_tables as tables
from medcheck.writers._files import replaced
from medcheck.writers._html_cases import Cases
from medcheck.writers._html_levels import BAR_HEIGHT

PAGES = Path(__file__).parent / "pages"
SCRIPTS = ("report_base.js", "report_list.js", "report_case.js", "report.js")


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the page of one run.

    Raises:
        WriterError: the file cannot be written.
    """
    return write_many([(run, summary)], path)


def write_many(runs: Sequence[tuple[Run, Summary]], path: Path) -> Path:
    """Write one page on which the models of all runs stand side by side.

    Raises:
        WriterError: the file cannot be written.
    """
    with replaced(path) as file:
        for piece in _pieces(runs):
            file.write(piece)
    return path


def _pieces(runs: Sequence[tuple[Run, Summary]]) -> Iterator[str]:
    summaries = [summary for _, summary in runs]
    known = tables.entries(summaries)
    script = "\n".join(_page(name) for name in SCRIPTS)
    style = _page("report.css")
    return (
        _environment()
        .get_template("report.html.j2")
        .generate(
            runs=runs,
            entries=known,
            suites=tables.suite_tables(runs, known),
            gates=[(run.id, run.meta["gate"]) for run, _ in runs if run.meta.get("gate")],
            bar_height=BAR_HEIGHT,
            coverage=tables.coverage(summaries, known),
            usage_counts=tables.USAGE_COUNTS,
            usage=tables.usage_lines(summaries),
            total_cost=tables.total_cost(summaries),
            differences=tables.differences(summaries),
            cases=Cases([run for run, _ in runs], known),
            t=_label,
            labels=_labels(),
            # Both are our own files, without anything from data.
            script=Markup(script),  # noqa: S704
            style=Markup(style),  # noqa: S704
            script_hash=_hash(script),
            style_hash=_hash(style),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


@cache
def _labels() -> Any:
    """Return the labels by language and key."""
    return json.loads(_page("labels.json"))


def _label(key: str) -> Markup:
    """Return the English label, marked so that the page can show it in another language."""
    return Markup('<span data-t="{}">{}</span>').format(key, _labels()["en"][key])


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
