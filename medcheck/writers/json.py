"""`summary.json` and `run.json`: the numbers, and apart from them what differs between runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medcheck.summary import Summary
from medcheck.types import Run
from medcheck.writers._files import replaced

SCHEMA = 1


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the summary, and beside it `run.json`; see the shelf's contract."""
    _dump(summary_data(summary), path)
    _dump(run_data(run, summary), path.with_name("run.json"))
    return path


def summary_data(summary: Summary) -> dict[str, Any]:
    """Return the summary: the same for all runs over the same replies."""
    protocols = set(summary.protocol.values())
    return {
        "schema": SCHEMA,
        "complete": summary.complete,
        "models": list(summary.models),
        "judges": list(summary.judges),
        "protocol": protocols.pop() if len(protocols) == 1 else dict(summary.protocol),
        "versions": dict(summary.versions),
        "rows": [asdict(row) for row in summary.rows],
        "usage": {who: dict(use) for who, use in summary.usage.items()},
        "states": {model: dict(states) for model, states in summary.states.items()},
        "harms": dict(summary.harms),
        "dropped_penalties": [
            {"model": model, "suite": suite, "tag": tag, **asdict(dropped)}
            for (model, suite, tag), dropped in summary.dropped.items()
        ],
        "notes": list(summary.notes),
    }


def run_data(run: Run, summary: Summary) -> dict[str, Any]:
    """Return what this run did: times, settings, requests, money."""
    traffic = [part for name, part in run.meta.items() if name.startswith("traffic:")]
    return {
        "schema": SCHEMA,
        "run": run.id,
        "started": run.started,
        "ended": run.meta.get("ended"),
        "complete": summary.complete,
        "settings": dict(run.settings),
        "requests": {
            name: sum(part[name] for part in traffic)
            for name in ("sent", "reused", "failed", "retried")
        },
        "spent_usd": _spent(traffic),
        **({"gate": run.meta["gate"]} if "gate" in run.meta else {}),
    }


def _spent(traffic: list[dict[str, Any]]) -> float | None:
    """Return the money spent now; `None` where a reply's price is not known."""
    if any(part["unpriced"] for part in traffic):
        return None
    return float(sum(part["spent_usd"] for part in traffic))


def _dump(data: dict[str, Any], path: Path) -> None:
    with replaced(path) as file:
        json.dump(data, file, ensure_ascii=False, allow_nan=False, indent=1)
        file.write("\n")
