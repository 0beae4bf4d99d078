"""`medcheck usability`: score files of LLMEval-Med become usable rates and OP, by a named rule."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.commands import say

if TYPE_CHECKING:
    from medcheck.readers._llmeval_scores import Scores
    from medcheck.scoring.usability import Item, Rate, Rules, Usability

LOWEST, HIGHEST = 1, 5
"""Of a threshold."""
_SEED = 0
_Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    """What is printed and written."""

    usability: Usability
    items: Sequence[Item]
    """What the intervals draw from."""
    source: str
    """Where a rate comes from that is not the judge's; empty: all are."""

    @property
    def rule(self) -> str:
        """Return how the figures were counted."""
        return f"{self.usability.rules}{self.source}"

    def interval(self, *path: str) -> _Interval:
        """Return the 95 % interval of OP, of a category or of a subcategory."""
        from medcheck.scoring.usability import op_interval

        own = [i for i in self.items if (i.category, i.subcategory)[: len(path)] == path]
        return op_interval(own, self.usability.rules, seed=_SEED)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="one for each run of the judge")
    parser.add_argument("--score-rule", choices=("per_run_pooled", "mean_then_threshold"),
                        default="per_run_pooled", help="default: as in the paper")  # fmt: skip
    parser.add_argument("--op-rule", choices=("macro", "micro"), default="macro",
                        help="default: as in the paper")  # fmt: skip
    parser.add_argument("--missing", choices=("unusable", "exclude"), default="unusable",
                        help="default: as in paper and script")  # fmt: skip
    parser.add_argument("--threshold", type=_threshold, default=4.0, metavar="SCORE",
                        help="usable from this score, 1 to 5; default 4")  # fmt: skip
    parser.add_argument("--field", metavar="NAME",
                        help="holds the score; default model_answer_score")  # fmt: skip
    parser.add_argument("--text-ratings", metavar="FILE",
                        help="people on generated texts, in the judge's place")  # fmt: skip
    parser.add_argument("--model", metavar="NAME",
                        help="whose texts, where the ratings are of several models")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="the figures as JSON")


def _threshold(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    # Not a number fails this comparison.
    if not LOWEST <= found <= HIGHEST:
        raise argparse.ArgumentTypeError(f"{text}: a score from {LOWEST} to {HIGHEST} is needed")
    return found


def run(args: argparse.Namespace) -> int:
    """Print the rates with the rule they were counted by."""
    from medcheck.readers._llmeval_scores import SCORE, load_scores
    from medcheck.scoring.usability import Rules
    from medcheck.writers._files import replaced

    rules = Rules(
        score_rule=args.score_rule, op_rule=args.op_rule, missing=args.missing,
        usable_at=args.threshold,
    )  # fmt: skip
    scores = load_scores(args.files, column=args.field or SCORE)
    figures = _figures(scores, rules, args)
    for line in _lines(figures):
        say(line)
    say(f"rule: {figures.rule}; {scores.missing} of the scores missing, "
        f"{scores.out_of_range} of them beyond 0 to 5")  # fmt: skip
    if args.out:
        with replaced(Path(args.out)) as file:
            json.dump(_plain(figures), file, ensure_ascii=False, indent=2, allow_nan=False)
            file.write("\n")
        say(f"wrote {args.out}")
    return 0


def _figures(scores: Scores, rules: Rules, args: argparse.Namespace) -> _Figures:
    from medcheck.errors import SettingsError, located
    from medcheck.scoring.usability import usability

    found = usability(scores.items, rules)
    if not args.text_ratings:
        if args.model:
            raise SettingsError("--model says whose --text-ratings count.", hint="Name their file.")
        return _Figures(usability=found, items=scores.items, source="")
    from medcheck.readers._human_ratings import load_ratings
    from medcheck.review.text_ratings import TEXT, by_people

    ratings = load_ratings(args.text_ratings)
    with located(args.text_ratings):
        told = by_people(found, scores.items, ratings, args.model)
    whose = f", model {told.model}" if told.model else ""
    source = f"; {TEXT} by people ({args.text_ratings}{whose}), ties and unrated texts left out"
    return _Figures(usability=told.usability, items=told.items, source=source)


def _lines(figures: _Figures) -> Iterator[str]:
    from medcheck.scoring.usability import scope

    found = figures.usability
    for name, rate in found.categories.items():
        yield f"{name}: {_shown(rate, figures.interval(name))}"
        for path, part in found.subcategories.items():
            if path[0] == name:
                yield f"  {path[1]}: {_shown(part, figures.interval(*path))}"
    part_of = scope(found.categories)
    yield f"OP: {_percent(found.op, figures.interval())}{f', {part_of}' if part_of else ''}"


def _shown(rate: Rate, between: _Interval) -> str:
    value = _percent(rate.value, between)
    return f"{value} ({rate.usable}/{rate.n}), {rate.items} items, {rate.missing} missing"


def _percent(value: float | None, between: _Interval) -> str:
    if value is None:
        return "-"
    told = f" [{100 * between[0]:.2f}, {100 * between[1]:.2f}]" if between else ""
    return f"{100 * value:.2f} %{told}"


def _plain(figures: _Figures) -> dict[str, object]:
    found = figures.usability
    return {
        "op": found.op,
        "op_ci95": figures.interval(),
        "op_categories": len(found.categories),
        "rule": figures.rule,
        "categories": {
            name: _rate(rate, figures.interval(name)) for name, rate in found.categories.items()
        },
        "subcategories": {
            "/".join(path): _rate(rate, figures.interval(*path))
            for path, rate in found.subcategories.items()
        },
    }


def _rate(rate: Rate, between: _Interval) -> dict[str, Any]:
    return {
        "rate": rate.value, "ci95": between, "usable": rate.usable, "n": rate.n,
        "items": rate.items, "missing": rate.missing,
    }  # fmt: skip
