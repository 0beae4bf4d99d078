"""A folder with a labeled suite, a models file for one judge, and the command that certifies it."""

from __future__ import annotations

import json

import doubles
import pytest

from medcheck.certifying.measuring import certify, plan
from medcheck.settings import Settings
from medcheck.suites import load_suite


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a suite of 24 labeled answers."""
    lines = (json.dumps(doubles.row(number)) for number in range(24))
    (tmp_path / "labels.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "labels.yaml").write_text(doubles.SUITE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def certified(folder):
    """Return a function that certifies the judge of a server, and the settings it used."""

    def run(server, *, labels=True, target=None, gradings=2, by="Dr. Wu", **changes):
        models = f"j: {{base_url: '{server.url}', timeout: {{idle: 20, total: 20}}}}\n"
        (folder / "models.yaml").write_text(models, encoding="utf-8")
        settings = Settings(
            models_file=str(folder / "models.yaml"),
            store=str(folder / "store.sqlite"),
            run="certify",
            **changes,
        )
        suite = load_suite(folder / "labels.yaml") if labels else None
        if target is not None:
            (folder / "target.yaml").write_text(target, encoding="utf-8")
            target = load_suite(folder / "target.yaml")
        planned = plan("j", suite, settings, {}, target=target, gradings=gradings)
        return certify(planned, {}, by=by, day=doubles.DAY)

    return run


@pytest.fixture
def outcomes():
    """Return a function that gives the outcome of each check by name."""
    return lambda signed: {check.name: check.outcome for check in signed.checks}
