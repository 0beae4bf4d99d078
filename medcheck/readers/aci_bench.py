"""ACI-Bench: the dialogue of a visit becomes a clinical note; three test sets of 40.

Source: medhelm.md sections 2 and 9 (wyim/aci-bench at b909b2b, data/challenge_data_json).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import checked_object, filled_list, filled_text
from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.types import Case, Origin

lint = _medhelm_lint.lint
FOLDERS = True
"""Its data may be a folder of the three files."""
SETS: Mapping[str, tuple[str, ...]] = {
    "test1": ("aci_clinicalnlp_taskB_test1.json", "clinicalnlp_taskB_test1.json"),
    "test2": ("aci_clinicalnlp_taskC_test2.json", "clinicalnlp_taskC_test2.json"),
    "test3": ("aci_clef_taskC_test3.json", "clef_taskC_test3.json"),
}
"""File names by set; the second one is the repository's own."""
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "sets": {
            "type": "array",
            "items": {"enum": list(SETS)},
            "minItems": 1,
            "description": "Which of a folder's sets to read; default: all that are there.",
        },
    },
    "additionalProperties": False,
}
TASK = _medhelm.Task(
    name="aci_bench",
    instructions=(
        "Write the clinical note of the visit whose dialogue stands below. Give it four parts, "
        "each under its heading: HISTORY OF PRESENT ILLNESS, PHYSICAL EXAM, RESULTS, ASSESSMENT "
        "AND PLAN. Use what was said and nothing else."
    ),
    noun="Dialogue",
    output="Clinical note",
)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each visit: `aci_bench-SET-N`, for jurors; the reference is the note.

    Tags: `set:` and `style:` (how the visit was recorded: aci, virtassist, virtscribe).

    Raises:
        DatasetError: a wanted file is missing, or a visit cannot be used.
    """
    file = Path(path)
    return chain.from_iterable(_cases(name, place) for name, place in _files(file, options))


def _files(path: Path, options: Mapping[str, Any]) -> list[tuple[str, Path]]:
    if not path.is_dir():
        name = path.name.removesuffix(".gz")
        named = next((key for key, names in SETS.items() if name in names), "own")
        return [(named, path)]
    wanted = options.get("sets", SETS)
    there = {name: _medhelm.member(path, *SETS[name]) for name in wanted}
    found = [(name, place) for name, place in there.items() if place is not None]
    absent = [name for name, place in there.items() if place is None]
    if not found or ("sets" in options and absent):
        missing = SETS[absent[0]][0]
        hint = "Run: medcheck fetch medhelm_aci_bench"
        raise DatasetError(f"the folder holds no {missing}.", where=str(path), hint=hint)
    return found


def _cases(name: str, path: Path) -> Iterator[Case]:
    data = checked_object(_medhelm.json_file(path), ("data",), None, str(path))
    visits = filled_list(data["data"], f"{path}: data")

    def build(number: int, found: object) -> Case:
        record = checked_object(found, ("src", "tgt", "file"), None, "the visit")
        dialogue, note = (filled_text(record[key], key).strip() for key in ("src", "tgt"))
        key = filled_text(record["file"], "file")
        return _medhelm.case(
            TASK,
            f"{name}-{number}",
            TASK.prompt(f"\n{dialogue}\n"),
            origin=Origin(path=str(path), record=record),
            references=(note,),
            facts={"key": key, "set": name},
            tags=(f"set:{name}", f"style:{key.partition('-')[2] or 'unknown'}"),
            closed=False,
        )

    return _medhelm.built(path, visits, build)
