"""MedHELM's taxonomy: categories, subcategories and benchmarks, and what a set of cases touches.

The facts stand in `taxonomy.yaml`. A case's path is (category id, subcategory id); a set of a
user's own may stand anywhere in it.

Source: medhelm.md section 1.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medcheck.errors import SettingsError, nearest

JURY = "jury"
"""The metric of benchmarks that jurors mark."""
Access = Literal["public", "gated", "private"]
OriginKind = Literal["existing", "reformulated", "new", "unknown"]
Path2 = tuple[str, str]
_FILE = Path(__file__).with_name("taxonomy.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark of MedHELM as its makers ran it."""

    id: str
    name: str
    description: str
    path: Path2
    """Category id and subcategory id."""
    access: Access
    type: str
    """Such as `mcq`, `summarisation`, `sql`."""
    metric: str
    """`jury`, or the original's name of the main metric."""
    criteria: tuple[str, ...]
    """What jurors mark; empty for other metrics."""
    scale: tuple[float, float]
    source: str
    origin: OriginKind
    because: str | None
    """What `origin` rests on; `None` where it is unknown."""
    prompt: str
    max_output_tokens: int
    instances_run: int
    instances_available: int | None
    """`None`: not published."""
    first_35: bool
    """Whether the first version of the paper had it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcategory:
    """One of the 22."""

    id: str
    name: str
    category: str
    """Category id."""
    benchmarks: tuple[Benchmark, ...]

    @property
    def path(self) -> Path2:
        """Category id and subcategory id."""
        return self.category, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One of the five."""

    id: str
    name: str
    tasks: int
    """How many of the 121 tasks; their names are not public."""
    subcategories: tuple[Subcategory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which parts of the taxonomy a set of cases touches."""

    cases: Mapping[Path2, int]
    """Cases by touched subcategory, in the taxonomy's order."""
    categories: tuple[str, ...]
    """Ids of the categories touched, by a whole category's path too."""
    missing: tuple[Path2, ...]
    """Subcategories without a case."""
    vague: int
    """Cases that name a category only."""
    outside: int
    """Cases with another path, or with none."""

    @property
    def touched(self) -> int:
        """How many subcategories have a case."""
        return len(self.cases)


@functools.cache
def categories() -> tuple[Category, ...]:
    """Return the five categories in their order."""
    import yaml

    table = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tuple(_category(block) for block in table["categories"])


def subcategories() -> tuple[Subcategory, ...]:
    """Return the 22 subcategories in their order."""
    return tuple(part for category in categories() for part in category.subcategories)


def benchmarks() -> tuple[Benchmark, ...]:
    """Return the 37 benchmarks in the taxonomy's order."""
    return tuple(found for part in subcategories() for found in part.benchmarks)


def benchmark(name: str) -> Benchmark:
    """Return the benchmark with this id or name.

    Raises:
        SettingsError: there is none.
    """
    for found in benchmarks():
        if name in (found.id, found.name):
            return found
    known = [found.id for found in benchmarks()]
    raise SettingsError(f'MedHELM has no benchmark "{name}".', hint=nearest(name, known))


def path_of(name: str) -> tuple[str, ...]:
    """Return the path that an id or a name stands for: of a category, subcategory or benchmark.

    Raises:
        SettingsError: nothing has this name.
    """
    paths = _paths()
    if name in paths:
        return paths[name]
    hint = nearest(name, [known for known in paths if known.islower()])
    raise SettingsError(f'MedHELM\'s taxonomy has no "{name}".', hint=hint)


def placed(path: Sequence[str]) -> tuple[str, ...] | None:
    """Return a case's path in ids, whether it is written in ids or in names.

    `None`: it is not in the taxonomy, or its parts do not belong together. Further parts behind the
    subcategory are cut.
    """
    paths = _paths()
    if not path or path[0] not in paths or len(paths[path[0]]) > 1:
        return None
    category = paths[path[0]]
    if len(path) == 1:
        return category
    inner = paths.get(path[1])
    return inner if inner and len(inner) > 1 and inner[:1] == category else None


def title(path: Sequence[str]) -> tuple[str, ...]:
    """Return the names that a path of ids is shown by; parts outside the taxonomy stay."""
    names = {category.id: category.name for category in categories()}
    names |= {part.id: part.name for part in subcategories()}
    return tuple(names.get(part, part) for part in path)


def coverage(paths: Iterable[Sequence[str]]) -> Coverage:
    """Return which parts of the taxonomy cases with these paths touch, one path a case."""
    found = [placed(path) for path in paths]
    counts = Counter(path for path in found if path is not None)
    order = [part.path for part in subcategories()]
    touched = {path[0] for path in counts}
    return Coverage(
        cases={path: counts[path] for path in order if path in counts},
        categories=tuple(category.id for category in categories() if category.id in touched),
        missing=tuple(path for path in order if path not in counts),
        vague=sum(number for path, number in counts.items() if len(path) == 1),
        outside=found.count(None),
    )


@functools.cache
def _paths() -> Mapping[str, tuple[str, ...]]:
    return dict(_named())


def _named() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every id and name with its path; the broader one last, so that it wins a clash."""
    for found in benchmarks():
        yield from ((name, found.path) for name in (found.name, found.id))
    for part in subcategories():
        yield from ((name, part.path) for name in (part.name, part.id))
    for category in categories():
        yield from ((name, (category.id,)) for name in (category.name, category.id))


def _category(block: Mapping[str, Any]) -> Category:
    return Category(
        id=block["id"],
        name=block["name"],
        tasks=block["tasks"],
        subcategories=tuple(_subcategory(block["id"], part) for part in block["subcategories"]),
    )


def _subcategory(category: str, block: Mapping[str, Any]) -> Subcategory:
    path = (category, block["id"])
    found = tuple(_benchmark(path, entry) for entry in block["benchmarks"])
    return Subcategory(id=block["id"], name=block["name"], category=category, benchmarks=found)


def _benchmark(path: Path2, entry: Mapping[str, Any]) -> Benchmark:
    low, high = entry["scale"]
    own = {
        "path": path,
        "criteria": tuple(entry.get("criteria", ())),
        "scale": (float(low), float(high)),
        "because": entry.get("because"),
    }
    return Benchmark(**{**entry, **own})
