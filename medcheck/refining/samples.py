"""The two samples of a refinement: one to learn from, one held out, drawn once and locked.

The lock names every case with the sha256 of all that a verdict rests on. Whoever changes a case, an
answer or a rating changes the sample, and is told so. What is computed from the samples lives
elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from medcheck.errors import DatasetError, SettingsError
from medcheck.scoring.usability import conversation_of
from medcheck.stats.human import Consensus, Rating, consensus
from medcheck.stats.means import row_seed
from medcheck.suites import Suite
from medcheck.types import Case, Result
from medcheck.writers._files import replaced

Side = Literal["calibration", "validation"]
SIDES: tuple[Side, ...] = ("calibration", "validation")
CALIBRATION = 0.5
"""Share of the conversations that is learned from."""
FILE = "lock.json"
_MAX_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a refinement was begun with; nothing of it may change before its end."""

    suite: str
    run: str
    """Its answers are judged again."""
    ratings: tuple[str, ...]
    """The files of people's ratings, as they were named."""
    judges: tuple[str, ...]
    conditions: str
    """The sha256 of what every version is judged under: judges, prompts, protocol, settings."""
    seed: int
    calibration: float
    """Share of the conversations of each category."""
    target: float
    epsilon: float
    max_rounds: int
    samples: Mapping[Side, Mapping[str, str]]
    """By side: the sha256 of each case by its id."""

    @property
    def sha256(self) -> str:
        """Return the sha256 of all of it, which the journal begins with."""
        return sha256(asdict(self))

    @property
    def cases(self) -> frozenset[str]:
        """Return the ids of both samples."""
        return frozenset(name for side in SIDES for name in self.samples[side])

    def check(self, found: Mapping[str, str]) -> None:
        """Raise if a case of the samples is not what it was.

        Args:
            found: the sha256 of each case as it is now.

        Raises:
            SettingsError: names the first of the changed cases.
        """
        kept = {name: sha for side in SIDES for name, sha in self.samples[side].items()}
        changed = [name for name, sha in kept.items() if found.get(name) != sha]
        if changed:
            more = f" and {len(changed) - _MAX_TOLD} more" if len(changed) > _MAX_TOLD else ""
            raise SettingsError(
                f"the locked sample has changed: {', '.join(changed[:_MAX_TOLD])}{more}.",
                hint="Restore questions, answers and ratings, or start anew in another folder "
                "with --folder.",
            )


def draw(
    cases: Mapping[str, tuple[str, str]], *, share: float, seed: int
) -> dict[Side, tuple[str, ...]]:
    """Return the cases of both sides, sorted; conversations stay whole, categories are strata.

    Each category with two conversations or more is on both sides. One with a single conversation is
    held out: agreement that cannot be reported would be of no use.

    Args:
        cases: category and conversation by case id.
        share: of the conversations that is learned from, rounded down, above 0 and below 1.
        seed: of the drawing.
    """
    strata: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, (category, conversation) in cases.items():
        strata[category][conversation].append(name)
    found: dict[Side, list[str]] = {side: [] for side in SIDES}
    for category, conversations in strata.items():
        order = sorted(conversations)
        # The seed of a category is its own, so that one category's cases do not move another's.
        random.Random(row_seed(seed, "refine", category)).shuffle(order)  # noqa: S311 - no secret
        learned = _learned(len(order), share)
        for rank, conversation in enumerate(order):
            found[SIDES[rank >= learned]] += conversations[conversation]
    return {side: tuple(sorted(names)) for side, names in found.items()}


def rated_cases(results: Iterable[Result], ratings: Iterable[Rating]) -> dict[str, tuple[str, str]]:
    """Return category and conversation of the cases with an answer that people agree on.

    Answers that nobody rated, or on which people are tied, can be held against no judge.
    """
    said = consensus(ratings)
    found: dict[str, tuple[str, str]] = {}
    for result in results:
        told = spoken(said, result)
        if result.measured and told is not None and told.usable is not None:
            category = result.category[0] if result.category else ""
            found[result.case_id] = (category, conversation_of(result.case_id, result.tags))
    return found


def spoken(
    said: Mapping[tuple[str, str | None, int], Consensus], result: Result
) -> Consensus | None:
    """Return what people say of an answer; ratings without a model are of every model's."""
    own = said.get((result.case_id, result.model, result.repeat))
    return own or said.get((result.case_id, None, result.repeat))


def hashes(
    suite: Suite, results: Iterable[Result], ratings: Iterable[Rating], cases: Iterable[str]
) -> dict[str, str]:
    """Return the sha256 of each case: question, reference, own checklist, answers and ratings."""
    answers: dict[str, list[Any]] = defaultdict(list)
    for result in results:
        if result.completion is not None:
            answers[result.case_id].append([result.model, result.repeat, result.completion.text])
    told: dict[str, list[Any]] = defaultdict(list)
    for rating in ratings:
        told[rating.case_id].append(
            [rating.model or "", rating.repeat, rating.rater, rating.usable, rating.score]
        )
    known = {case.id: case for case in suite.cases}
    return {
        name: sha256([_asked(known[name]), sorted(answers[name]), _sorted(told[name])])
        for name in cases
        if name in known
    }


def write(lock: Lock, folder: Path) -> None:
    """Write the lock.

    Raises:
        WriterError: the file cannot be written.
    """
    with replaced(folder / FILE) as file:
        json.dump({**asdict(lock), "sha256": lock.sha256}, file, ensure_ascii=False, indent=2)
        file.write("\n")


def read(folder: Path) -> Lock:
    """Return the lock of a folder.

    Raises:
        DatasetError: it cannot be read, or is not what was written.
    """
    path = folder / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        given = found.pop("sha256")
        listed = ("ratings", "judges")
        fields: dict[str, Any] = {n: tuple(v) if n in listed else v for n, v in found.items()}
        lock = Lock(**fields)
        known = lock.sha256
    except FileNotFoundError:
        hint = "Begin with: medcheck refine start SUITE RUN --ratings FILE"
        raise DatasetError("no refinement was begun here.", hint=hint, where=str(folder)) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise DatasetError("not the lock of a refinement.", where=str(path)) from None
    if given != known:
        hint = "Restore it: samples are drawn once."
        raise DatasetError("the lock was changed.", hint=hint, where=str(path))
    return lock


def sha256(value: object) -> str:
    """Return the sha256 of plain data."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _learned(count: int, share: float) -> int:
    # 0.7 of 10 must not become 6 by rounding.
    return max(1, min(count - 1, math.floor(share * count + 1e-9))) if count > 1 else 0


def _asked(case: Case) -> list[Any]:
    turns = [[m.role, m.text, [image.sha256 for image in m.images]] for m in case.messages]
    texts = [criterion.text for criterion in case.criteria]
    return [turns, texts, list(case.references), list(case.category), case.follows]


def _sorted(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, ensure_ascii=True))
