"""What a round decides: whether a version is kept, and whether there is another round.

Only the validation sample decides. Everything follows from the journal, so that a refinement goes
on where it was left.

Source: llmeval_med.md section 6, points 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medcheck.errors import DatasetError, SettingsError
from medcheck.refining.journal import Event

TARGET = 0.6
EPSILON = 0.02
MAX_ROUNDS = 5
PATIENCE = 2
"""Rounds without gain, one after the other, that end a refinement."""
FIRST = "v0"
"""The checklists and prompts that the suite came with."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a refinement ends."""

    target: float = TARGET
    """What the lower bound of the validation kappa must reach."""
    epsilon: float = EPSILON
    """A smaller rise of the validation kappa is no gain."""
    max_rounds: int = MAX_ROUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One version, judged."""

    version: str
    kappa: float
    """Of the validation sample, pooled."""
    low: float | None
    """The lower bound of its 95 % interval; `None`: there is no interval."""
    kept: bool
    """False: validation fell, and the version before it holds again."""
    gained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from judging a version."""

    round: Round
    stop: str | None
    """Why there is no further round; `None`: there may be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a refinement stands."""

    current: str
    """The version that holds."""
    rounds: tuple[Round, ...]
    """The first one is the suite's own version."""
    stopped: str | None
    proposed: frozenset[str]
    accepted: frozenset[str]
    """By a person; their own proposals included."""
    runs: dict[str, str]
    """The stored run of each version that was judged."""

    @property
    def held(self) -> Round:
        """Return the round of the version that holds."""
        return next(found for found in self.rounds if found.version == self.current)

    def check_ready(self, version: str, parent: str | None) -> None:
        """Raise if a version cannot be judged now.

        Raises:
            SettingsError: the refinement has ended, or the version is unknown, not accepted, judged
                already, or built on one that does not hold.
        """
        self.check_open()
        if version not in self.proposed:
            known = ", ".join(sorted(self.proposed)) or "none"
            raise SettingsError(f'no version "{version}" was proposed.', hint=f"Known: {known}.")
        if version in self.runs:
            raise SettingsError(f"{version} was judged already.", hint="See: medcheck refine log")
        if version not in self.accepted:
            hint = f"A person accepts it with: medcheck refine accept {version} --by NAME"
            raise SettingsError(f"{version} is a model's proposal that nobody accepted.", hint=hint)
        if parent != self.current:
            raise SettingsError(
                f"{version} changes {parent}, but {self.current} holds now.",
                hint="Propose its edit again.",
            )

    def check_open(self) -> None:
        """Raise if the refinement has ended.

        Raises:
            SettingsError: says why it has.
        """
        if self.stopped:
            raise SettingsError(
                f"the refinement has ended: {self.stopped}.",
                hint="To go on, start anew with new ratings: who looks at a validation sample "
                "again and again fits it.",
            )


def decide(
    earlier: Sequence[Round], version: str, kappa: float, low: float | None, rule: Rule
) -> Decision:
    """Return what becomes of a version that was judged.

    Args:
        earlier: the rounds before; empty for the suite's own version.
        version: what was judged.
        kappa: of the validation sample.
        low: its lower bound.
        rule: when to stop.
    """
    held = next((found for found in reversed(earlier) if found.kept), None)
    rise = kappa - held.kappa if held else 0.0
    found = Round(
        version=version,
        kappa=kappa,
        low=low,
        kept=held is None or rise >= -_ROUNDING,
        gained=rise > _ROUNDING and rise >= rule.epsilon - _ROUNDING,
    )
    return Decision(round=found, stop=_stop((*earlier, found), rule))


def check_rounds(events: Iterable[Event], rule: Rule) -> None:
    """Raise if a round does not follow from its figures and from the rounds before it.

    Raises:
        DatasetError: names the version.
    """
    earlier: list[Round] = []
    for event in events:
        if event["event"] not in ("start", "run"):
            continue
        told = _round(str(event.get("version", FIRST)), event)
        due = decide(earlier, told.version, told.kappa, told.low, rule)
        measured = event["validation"][-1]["figures"]["kappa"]["value"]
        same = told == due.round and told.kappa == measured
        # Why it ended is words, which may become other ones; that it did is what counts.
        if not same or (event["stop"] is None) != (due.stop is None):
            raise DatasetError(
                f"what is noted of {told.version} does not follow from its figures.",
                hint="Restore the file: lines are only ever added.",
            )
        earlier.append(told)


def state_of(events: Iterable[Event]) -> State:
    """Return where a refinement stands after these events."""
    rounds: list[Round] = []
    proposed: set[str] = set()
    accepted: set[str] = set()
    runs: dict[str, str] = {}
    stopped = None
    for event in events:
        version = str(event.get("version", FIRST))
        if event["event"] == "propose":
            proposed.add(version)
            accepted |= set() if event.get("model") else {version}
        elif event["event"] == "accept":
            accepted.add(version)
        elif event["event"] in ("start", "run"):
            runs[version] = str(event["run"])
            rounds.append(_round(version, event))
            stopped = event.get("stop") or stopped
    kept = [found.version for found in rounds if found.kept]
    return State(
        current=kept[-1] if kept else FIRST,
        rounds=tuple(rounds),
        stopped=stopped,
        proposed=frozenset(proposed),
        accepted=frozenset(accepted),
        runs=runs,
    )


def _round(version: str, event: Event) -> Round:
    return Round(
        version=version,
        kappa=float(event["kappa"]),
        low=event["low"],
        kept=bool(event["kept"]),
        gained=bool(event["gained"]),
    )


def _stop(rounds: Sequence[Round], rule: Rule) -> str | None:
    last = rounds[-1]
    if last.kept and last.low is not None and last.low >= rule.target:
        return f"the validation kappa's lower bound {last.low:.3f} reached {rule.target:g}"
    tried = rounds[1:]
    if len(tried) >= PATIENCE and not any(found.gained for found in tried[-PATIENCE:]):
        return f"{PATIENCE} rounds without a gain of {rule.epsilon:g}"
    if len(tried) >= rule.max_rounds:
        return f"{rule.max_rounds} rounds were run"
    return None
