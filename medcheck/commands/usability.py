"""`medcheck usability`: score files of LLMEval-Med become usable rates and OP, by a named rule."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import say

if TYPE_CHECKING:
    from medcheck.scoring.usability import Rate, Usability

TEXT = "医疗文本生成"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="one for each run of the judge")
    parser.add_argument("--score-rule", choices=("per_run_pooled", "mean_then_threshold"),
                        default="per_run_pooled", help="default: as in the paper")  # fmt: skip
    parser.add_argument("--op-rule", choices=("macro", "micro"), default="macro",
                        help="default: as in the paper")  # fmt: skip
    parser.add_argument("--missing", choices=("unusable", "exclude"), default="unusable",
                        help="default: as in paper and script")  # fmt: skip
    parser.add_argument("--threshold", type=float, default=4.0, metavar="SCORE", help="default 4")
    parser.add_argument("--text-ratings", metavar="FILE",
                        help="people on generated texts, in the judge's place")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the rates with the rule they were counted by."""
    from medcheck.readers._llmeval_scores import load_scores
    from medcheck.scoring.usability import Rules, usability
    from medcheck.writers._files import replaced

    rules = Rules(
        score_rule=args.score_rule, op_rule=args.op_rule, missing=args.missing,
        usable_at=args.threshold,
    )  # fmt: skip
    scores = load_scores(args.files)
    found = usability(scores.items, rules)
    if args.text_ratings:
        found = _by_people(found, args.text_ratings)
    for name, rate in found.categories.items():
        say(f"{name}: {_shown(rate)}")
    op = "-" if found.op is None else f"{100 * found.op:.2f} %"
    say(f"OP: {op}")
    say(f"rule: {rules}; {scores.missing} of the scores missing, "
        f"{scores.out_of_range} of them beyond 0 to 5")  # fmt: skip
    if args.out:
        with replaced(Path(args.out)) as file:
            json.dump(_plain(found), file, ensure_ascii=False, indent=2, allow_nan=False)
            file.write("\n")
        say(f"wrote {args.out}")
    return 0


def _by_people(found: Usability, path: str) -> Usability:
    """Return the figures with the rate of generated texts that people gave.

    Source: llmeval_med.md section 4 (the paper's tables).
    """
    from medcheck.readers._human_ratings import load_ratings
    from medcheck.scoring.usability import overall, place
    from medcheck.stats.human import human_rate

    rates = {**found.categories, TEXT: human_rate(load_ratings(path))}
    ordered = {name: rates[name] for name in sorted(rates, key=place)}
    op = overall(list(ordered.values()), found.rules.op_rule)
    return replace(found, categories=ordered, op=op)


def _shown(rate: Rate) -> str:
    value = "-" if rate.value is None else f"{100 * rate.value:.2f} %"
    return f"{value} ({rate.usable}/{rate.n}), {rate.items} items, {rate.missing} missing"


def _plain(found: Usability) -> dict[str, object]:
    rates = {
        name: {
            "rate": rate.value, "usable": rate.usable, "n": rate.n, "items": rate.items,
            "missing": rate.missing,
        }
        for name, rate in found.categories.items()
    }  # fmt: skip
    return {"op": found.op, "rule": str(found.rules), "categories": rates}
