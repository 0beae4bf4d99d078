"""The data sets of MedBench: names, rows, dimensions, metrics and file names, by track.

The facts stand in `medbench_sets.yaml`; what a format name checks is the business of `formats`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from medcheck.errors import SettingsError, nearest

Track = Literal["old", "v4", "vlm", "agent"]
TRACKS: tuple[Track, ...] = get_args(Track)
FREE_TEXT = "text"
"""The format of sets whose answers no rule can check."""

_FILE = Path(__file__).with_name("medbench_sets.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInfo:
    """One question file and what the platform does with its answers."""

    track: Track
    name: str
    """The stem of the question file, without the old track's `_test`; unique within a track."""
    rows: int
    """Lines of the question file."""
    groups: int
    """Questions; fewer than `rows` where a question comes in several orders of its options."""
    task: str
    dimension: str | None
    """The platform's dimension; `None`: not published (vision)."""
    metrics: tuple[str, ...]
    """What the platform counts; empty: not published."""
    format: str
    """A rule of `formats.RULES`, or `text`."""
    check: str | None
    """A rule of `selfchecks.CHECKS`; `None`: there is none."""
    platform: str
    """The set's name on the leaderboard; the three MedRxCheck files share one."""
    source: str
    """`other.source` in its rows; often not the set's name."""

    @property
    def circular(self) -> bool:
        """Whether a question comes in several orders of its options."""
        return self.groups < self.rows

    @property
    def stem(self) -> str:
        """The name of its files, without `.jsonl`."""
        return f"{self.name}_test" if self.track == "old" else self.name

    @property
    def closed(self) -> bool:
        """Whether a rule checks the format of its answers."""
        return self.format != FREE_TEXT


@functools.cache
def sets() -> tuple[SetInfo, ...]:
    """Return all sets, track by track."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - safe loader
    return tuple(_info(track, fields) for track in TRACKS for fields in found[track])


def sets_of(track: str) -> tuple[SetInfo, ...]:
    """Return the sets of a track.

    Raises:
        SettingsError: unknown track.
    """
    if track not in TRACKS:
        raise SettingsError(f'unknown track "{track}".', hint=nearest(track, TRACKS))
    return tuple(info for info in sets() if info.track == track)


def set_of(track: str, name: str) -> SetInfo:
    """Return a set by track and name.

    Raises:
        SettingsError: unknown track or set.
    """
    by_name = {info.name: info for info in sets_of(track)}
    if name not in by_name:
        raise SettingsError(f'track {track} has no set "{name}".', hint=nearest(name, by_name))
    return by_name[name]


def _info(track: Track, fields: dict[str, object]) -> SetInfo:
    name = str(fields["set"])
    rows = int(str(fields["rows"]))
    dimension = fields["dimension"]
    metrics = fields["metrics"]
    assert isinstance(metrics, list)
    return SetInfo(
        track=track,
        name=name,
        rows=rows,
        groups=int(str(fields.get("groups", rows))),
        task=str(fields["task"]),
        dimension=None if dimension is None else str(dimension),
        metrics=tuple(map(str, metrics)),
        format=str(fields["format"]),
        check=None if fields.get("check") is None else str(fields["check"]),
        platform=str(fields.get("platform", name)),
        source=str(fields["source"]),
    )
