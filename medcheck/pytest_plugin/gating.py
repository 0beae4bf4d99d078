"""`--baseline` and `--gate`: the run beside its baseline, before the first call and at the end.

Also who stands behind its judges: certificates, and sentinels that notice a judge's drift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medcheck.certifying.sentinels import Drift, Sentinels
    from medcheck.gate import Decision, Side
    from medcheck.gate.telling import Table
    from medcheck.settings import Settings
    from medcheck.types import Run

NOT_COMPARABLE = 13
GATE = "gate"
"""Entry of a run's `meta`: what the gate decided."""
SENTINELS = "traffic:sentinels"
"""Entry of a run's `meta`: what was asked and paid for the sentinels; counted like a worker's."""
NO_SENTINELS = "no sentinels: the judge's drift is not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the comparison with the baseline came to."""

    title: str
    """Of the baseline."""
    decisions: tuple[Decision, ...]
    decides: bool
    """Whether the exit status follows from it; else it is only shown."""
    drift: Drift | None = None
    """What judging the baseline's sentinels anew came to; `None`: they were not asked."""
    unchecked: str = ""
    """Why nobody looked whether the judge has drifted."""

    @property
    def status(self) -> int:
        """The exit status that the gate asks for; 0 where it does not decide.

        Sentinels that could not be judged change nothing: only a drift that was seen does.
        """
        from medcheck.gate import EXIT, worst

        if not self.decides:
            return 0
        if self.drift is not None and self.drift.drifted:
            return NOT_COMPARABLE
        return EXIT[worst(self.decisions)]

    @property
    def lines(self) -> list[str]:
        """What the terminal shows."""
        told = [f"baseline: {self.title}", *(self.drift.lines if self.drift else ())]
        told += [self.unchecked] if self.unchecked else []
        return told + [line for decision in self.decisions for line in decision.lines]

    @property
    def meta(self) -> dict[str, Any]:
        """What the run keeps of it: the decision, and what asking the sentinels took."""
        asked = {SENTINELS: dict(self.drift.traffic)} if self.drift and self.drift.traffic else {}
        return {GATE: self.data(), **asked}

    @property
    def tables(self) -> tuple[Table, ...]:
        """What reports show, decision by decision."""
        return tuple(table for decision in self.decisions for table in decision.tables)

    def data(self) -> dict[str, Any]:
        """Return it as plain data, for the run's `meta`."""
        from medcheck.gate import data

        return {
            "baseline": self.title,
            "status": self.status,
            "lines": self.lines,
            "tables": [
                {
                    "title": table.title,
                    "head": list(table.head),
                    "rows": [list(r) for r in table.rows],
                }
                for table in self.tables
            ],
            "decisions": [data(decision) for decision in self.decisions],
        }


def compared(settings: Settings, run: Run, stored: Callable[[str], Run]) -> Gate | None:
    """Return the comparison that `--baseline` asks for; `None`: it asks for none.

    Args:
        settings: of the command.
        run: what was measured, or only planned.
        stored: gives a run of the store, or raises.

    Raises:
        MedcheckError: there is no such baseline, or it cannot be read.
    """
    if settings.baseline is None:
        return None
    from medcheck import baselines
    from medcheck.gate import decide_all, sides

    baseline = baselines.find(settings.baseline, stored)
    decisions = decide_all(baseline.sides, sides(run))
    asked = settings.gate and settings.responses != "only"
    kept = _sentinels(settings)
    judged = any(side.judges for side in baseline.sides)
    return Gate(
        title=baseline.title,
        decisions=decisions,
        decides=settings.gate,
        drift=_drift(kept, settings) if kept is not None else None,
        unchecked=NO_SENTINELS if asked and judged and kept is None else "",
    )


def _sentinels(settings: Settings) -> Sentinels | None:
    """Return the frozen verdicts that a gated run has judged anew; `None`: there are none.

    Raises:
        DatasetError: their file is torn or was changed.
    """
    from medcheck.certifying import sentinels

    assert settings.baseline is not None
    # Where no call may be made the verdicts are those of then, so nothing can have drifted.
    if not settings.gate or settings.responses == "only" or not Path(settings.baseline).is_file():
        return None
    place = sentinels.beside(settings.baseline)
    return sentinels.read(place) if place.is_file() else None


def _drift(kept: Sentinels, settings: Settings) -> Drift:
    """Return what the judge says today of the baseline's sentinels."""
    from medcheck.certifying import sentinels
    from medcheck.pytest_plugin.state import environment

    return sentinels.recheck(kept, settings, environment(), account=settings.run)


def certified(settings: Settings, run: Run) -> list[str]:
    """Return which certificates back the judges of a run, as lines; none: none is known.

    Raises:
        MedcheckError: a certificate cannot be read.
    """
    from datetime import UTC, datetime

    from medcheck import certificates

    if not settings.certificates:
        return []
    known = certificates.known(settings.certificates)
    return certificates.backing(run.suites, known, datetime.now(UTC).date())


def uncertified(settings: Settings, run: Run) -> list[str]:
    """Return which judges `--require-certificate` does not let a run start with, a line each.

    Raises:
        MedcheckError: as `certified`.
    """
    if not settings.certificates and not settings.require_certificate:
        return []
    from datetime import UTC, datetime

    from medcheck import certificates

    # Read even where none is required: a torn file must not be found out after the last call.
    known = certificates.known(settings.certificates) if settings.certificates else ()
    if not settings.require_certificate:
        return []
    found = certificates.backings(run.suites, known, datetime.now(UTC).date())
    lacking = [f"medcheck: {each.line}" for each in found if each.certificate is None]
    return [*lacking, "Certify the judge: medcheck certify JUDGE --by NAME"] if lacking else []


def refusal(settings: Settings, run: Run, stored: Callable[[str], Run]) -> list[str]:
    """Return why a run that is only planned can never pass its gate; one line each.

    Raises:
        MedcheckError: as `compared`.
    """
    if refused := uncertified(settings, run):
        return refused
    if settings.baseline is None:
        return []
    from medcheck import baselines
    from medcheck.gate import decide_all, sides

    baseline = baselines.find(settings.baseline, stored)
    if not settings.gate:
        return []
    _sentinels(settings)  # A torn file must not be found out after the last call.
    known = {judge for side in baseline.sides for judge in side.judges}
    planned = [
        # Nobody has judged yet: checks that need no judge are missing among the names.
        replace(side, judges=_expected(side, baseline.sides)) if known >= set(side.judges) else side
        for side in sides(run)
    ]
    wrong = [d for d in decide_all(baseline.sides, planned) if d.status == "NOT COMPARABLE"]
    return [f"medcheck: {line}" for decision in wrong for line in decision.lines]


def _expected(side: Side, baseline: Sequence[Side]) -> tuple[str, ...]:
    own = [old.judges for old in baseline if old.suite == side.suite]
    return next((judges for judges in own if set(judges) >= set(side.judges)), side.judges)
