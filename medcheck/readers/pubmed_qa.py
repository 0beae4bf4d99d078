"""PubMedQA: a research question and the abstract that answers it with yes, no or maybe.

MedHELM asks all 1,000 labelled questions; the benchmark's own test set is half of them, drawn by
its published rule (`where: {subset: test}`).

Source: medhelm.md sections 2 and 7, item 11 (pubmedqa/pubmedqa at 1cbae8e; split_dataset.py).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import Record, checked_object, filled_text, texts
from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.readers._medhelm import one_of
from medcheck.types import Case, Origin

lint = _medhelm_lint.lint
DECISIONS = {"yes": "A", "no": "B", "maybe": "C"}
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {"subset": {"enum": ["test"]}},
    "additionalProperties": False,
}
TASK = _medhelm.Task(
    name="pubmed_qa",
    instructions=(
        "Read the abstract and answer its research question. Give the letter of one option and "
        "nothing else."
    ),
    noun="Abstract",
)
_FIELDS = ("QUESTION", "CONTEXTS", "LABELS", "final_decision")
_SEED = 0


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each article, in file order: `pubmed_qa-N`, N its position in the file.

    Tags: `answer:yes`, `answer:no`, `answer:maybe`, and `split:test` or `split:train`.
    `labels["task"]`: `options` by letter, `class`, `key` (the article's PubMed id), `long_answer`.

    Raises:
        DatasetError: every article that cannot be used.
    """
    file = Path(path)
    data = _medhelm.json_file(file, hint="Run: medcheck fetch medhelm_pubmed_qa")
    if not isinstance(data, dict):
        raise DatasetError("not a JSON object of articles.", where=str(file))
    test = official_test(data)
    only = options.get("subset") == "test"

    def build(number: int, row: tuple[str, object]) -> Case | None:
        if only and row[0] not in test:
            return None
        return _case(number, row, file, split="test" if row[0] in test else "train")

    return _medhelm.built(file, data.items(), build)


def official_test(data: Mapping[str, object]) -> frozenset[str]:
    """Return the ids of the official test half: the second one of each shuffled class.

    Source: pubmedqa/pubmedqa preprocess/split_dataset.py (random.seed(0)); its published
    test_ground_truth.json has the same 500 ids.
    """
    generator = random.Random(_SEED)  # noqa: S311 - the benchmark's own rule, not for secrets
    groups: dict[str, list[str]] = {name: [] for name in DECISIONS}
    for key, found in data.items():
        decision = found.get("final_decision") if isinstance(found, dict) else None
        if isinstance(decision, str) and decision in groups:
            groups[decision].append(key)
    chosen: list[str] = []
    for keys in groups.values():
        generator.shuffle(keys)
        chosen += keys[math.ceil(len(keys) / 2) :]
    return frozenset(chosen)


def _case(number: int, row: tuple[str, object], path: Path, *, split: str) -> Case:
    key, found = row
    record = checked_object(found, _FIELDS, None, f'article "{key}"')
    decision = one_of(record["final_decision"], tuple(DECISIONS), "final_decision")
    options = {letter: name for name, letter in DECISIONS.items()}
    question = filled_text(record["QUESTION"], "QUESTION")
    abstract = f"{_abstract(record)}\n\nQuestion: {question}"
    facts = {
        "key": key,
        "options": options,
        "class": decision,
        "long_answer": str(record.get("LONG_ANSWER") or ""),
    }
    return _medhelm.case(
        TASK,
        number,
        TASK.prompt(abstract, options),
        origin=Origin(path=str(path), record=record),
        references=(DECISIONS[decision],),
        facts=facts,
        tags=(f"answer:{decision}", f"split:{split}"),
    )


def _abstract(record: Record) -> str:
    parts, labels = (texts(record[name], name) for name in ("CONTEXTS", "LABELS"))
    if not parts or len(parts) != len(labels):
        raise DatasetError(f"{len(parts)} CONTEXTS, but {len(labels)} LABELS.")
    return "\n".join(f"{label.title()}. {part}" for label, part in zip(labels, parts, strict=True))
