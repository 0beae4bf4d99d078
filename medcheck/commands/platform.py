"""`medcheck platform`: what MedBench's platform gave, re-derived by the track's rule."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import say
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.scoring.medbench_sets import Track
    from medcheck.scoring.platform import ScoreRow

NO_SCORE = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("table", metavar="TABLE", help="CSV or JSON; FILE#NAME: a list in a JSON")
    parser.add_argument("--track", required=True, metavar="TRACK", help="old, v4, vlm or agent")
    parser.add_argument(
        "--pack", metavar="MODEL=PACK", action="append", default=[],
        help="a model's answers: the bound that their consistency sets on its scores",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print the table, best first, and what does not fit; 1 where something does not."""
    from medcheck.packs.scores import read_scores
    from medcheck.scoring.medbench_sets import TRACKS
    from medcheck.scoring.platform import completed, dimensions_of, mismatches

    rows = read_scores(args.table, args.track)
    track = next(each for each in TRACKS if each == args.track)
    packs = dict(_named(given) for given in args.pack)
    if unknown := packs.keys() - {row.model for row in rows}:
        raise SettingsError(f'--pack: the table has no model "{min(unknown)}".')
    filled = sorted((completed(track, row) for row in rows), key=_rank)
    names = tuple(dimensions_of(track))
    head = ("model", "overall", *names)
    say("\n".join("\t".join(cells) for cells in [head, *(_cells(row, names) for row in filled)]))
    found = [mismatch for row in rows for mismatch in mismatches(track, row)]
    for row in filled:
        if row.model in packs:
            say("\n".join(_bounds(row, packs[row.model], track)))
    say("\n".join([*map(str, found), f"{len(rows)} models, {len(found)} figures do not fit."]))
    return 1 if found else 0


def _bounds(row: ScoreRow, pack: str, track: Track) -> Iterator[str]:
    """Yield what the consistency of shuffled copies allows, beside what the platform gave."""
    from medcheck.packs.checking import check_pack, layout_of
    from medcheck.packs.pack import open_pack
    from medcheck.scoring.platform import dimension_bounds

    opened = open_pack(Path(pack))
    checked = check_pack(opened, layout_of(opened, track))
    alike = {each.info.platform: each.copies for each in checked.sets if each.copies}
    bounds = {name: 100 * found.bound for name, found in alike.items() if found.bound is not None}
    for name, copies in alike.items():
        if name in bounds:
            given = row.sets.get(name)
            text = f"{copies.consistent} of {copies.groups} groups alike"
            text += f", {copies.undecided} incomplete" if copies.undecided else ""
            yield _bound(row.model, name, bounds[name], given, f" ({text})")
    for name, bound in dimension_bounds(track, bounds).items():
        yield _bound(row.model, name, bound, row.dimensions.get(name), "")


def _bound(model: str, name: str, bound: float, given: float | None, note: str) -> str:
    holds = "" if given is None or given <= bound + 0.1 else "; ABOVE the bound"
    return f"{model}: {name}: platform {_shown(given)}, at most {bound:.1f}{note}{holds}"


def _cells(row: ScoreRow, names: Sequence[str]) -> tuple[str, ...]:
    scores: Mapping[str, float] = row.dimensions
    return (row.model, _shown(row.overall), *(_shown(scores.get(name)) for name in names))


def _shown(score: float | None) -> str:
    return NO_SCORE if score is None else f"{score:.1f}"


def _rank(row: ScoreRow) -> tuple[bool, float]:
    return row.overall is None, -(row.overall or 0.0)


def _named(given: str) -> tuple[str, str]:
    model, separator, path = given.partition("=")
    if not (model and separator and path):
        raise SettingsError(f'--pack is "{given}".', hint="Expected MODEL=PACK.")
    return model, path
