"""One refinement in its folder: lock, journal and versions, held to each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, SettingsError, located
from medcheck.refining import journal, samples, versions
from medcheck.refining.journal import Event
from medcheck.refining.judging import Measured
from medcheck.refining.rounds import (
    FIRST,
    Decision,
    Rule,
    State,
    check_rounds,
    decide,
    state_of,
)
from medcheck.refining.samples import SIDES, Lock, Side
from medcheck.refining.versions import Edit, Version
from medcheck.stats.human import Agreement

FOLDER = Path("cases/refine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A refinement as its folder has it."""

    folder: Path
    lock: Lock
    events: tuple[Event, ...]

    @property
    def state(self) -> State:
        """Return where it stands."""
        return state_of(self.events)

    @property
    def rule(self) -> Rule:
        """Return when it ends."""
        return rule_of(self.lock)

    def version(self, name: str) -> Version:
        """Return a version, which must be the one that was proposed.

        Raises:
            SettingsError: there is none of this name.
            DatasetError: its file was changed since.
        """
        found = versions.load(self.folder, name)
        told = {e.get("version", FIRST): e["sha256"] for e in self.events if "sha256" in e}
        if name not in told or told[name] != found.sha256:
            raise DatasetError(
                f"{name} is not the version that was proposed.",
                hint="Restore the file, and propose the change as a version of its own.",
                where=str(self.folder / f"{name}.yaml"),
            )
        return found

    def propose(self, edit: Edit, *, by: str, reason: str, model: str | None = None) -> Version:
        """Add a version: the one that holds, with an edit.

        Raises:
            SettingsError: the refinement has ended, the edit changes nothing, or neither a person
                nor a model stands for it.
        """
        if model is None:
            _check_named(by)
        state = self.state
        state.check_open()
        name = versions.next_name(self.folder)
        parent = self.version(state.current)
        found = versions.edited(parent, edit, name=name, by=by, reason=reason, model=model)
        versions.save(found, self.folder)
        journal.append(
            self.folder, "propose", version=name, parent=parent.name, sha256=found.sha256, by=by,
            model=model, reason=reason,
        )  # fmt: skip
        return found

    def accept(self, name: str, *, by: str) -> None:
        """Note that a person stands for a model's proposal.

        Raises:
            SettingsError: nobody is named or needs to accept it, or there is no such version.
        """
        _check_named(by)
        state = self.state
        state.check_open()
        self.version(name)
        if name in state.accepted or name not in state.proposed:
            raise SettingsError(f"{name} needs no acceptance.", hint="Run it.")
        journal.append(self.folder, "accept", version=name, by=by)

    def note(self, name: str, run: str, found: Mapping[Side, Measured]) -> Decision:
        """Add a round to the journal and return what follows from it.

        Raises:
            SettingsError: the figures are not complete.
        """
        check_complete(found, self._pairs())
        decision = _decided(found, self.state, name, self.rule)
        journal.append(self.folder, "run", **_round(decision, run, found))
        return decision

    def _pairs(self) -> Mapping[str, int]:
        return {side: int(self.events[0]["pairs"][side]) for side in SIDES}


def place(folder: Path, suite: str | None) -> Path:
    """Return the folder of the refinement that is meant.

    Raises:
        SettingsError: there is none, or there are several.
    """
    if suite is not None:
        return folder / suite
    found = sorted(path.parent for path in folder.glob(f"*/{samples.FILE}"))
    if len(found) != 1:
        known = ", ".join(path.name for path in found) or "none"
        hint = "Name it with --of SUITE." if found else "Begin with: medcheck refine start"
        raise SettingsError(f"which refinement is not clear: {known} in {folder}.", hint=hint)
    return found[0]


def open_loop(folder: Path) -> Loop:
    """Return the refinement of a folder.

    Raises:
        DatasetError: none was begun there, or lock, journal and versions are not what was written.
    """
    lock = samples.read(folder)
    events = journal.read(folder)
    if not events or events[0]["event"] != "start" or events[0].get("lock") != lock.sha256:
        hint = "Restore both: samples are drawn once."
        raise DatasetError("the lock is not that of the log.", hint=hint, where=str(folder))
    with located(str(folder / journal.FILE)):
        check_rounds(events, rule_of(lock))
    _check_noted(folder, events)
    return Loop(folder=folder, lock=lock, events=events)


def _check_noted(folder: Path, events: Iterable[Event]) -> None:
    noted = {str(event.get("version", FIRST)) for event in events}
    if unknown := [name for name in versions.names(folder) if name not in noted]:
        raise DatasetError(
            f"the log knows nothing of {', '.join(unknown)}.",
            hint="Restore the log; or, if the step that proposed it was killed, delete the file.",
            where=str(folder / f"{unknown[0]}.yaml"),
        )


def _check_named(by: str) -> None:
    if not by.strip():
        raise SettingsError("who stands for it is not named.", hint="Add --by NAME.")


def begin(
    folder: Path, lock: Lock, version: Version, run: str, found: Mapping[Side, Measured]
) -> Decision:
    """Lock the samples, write the first version and begin the journal.

    Raises:
        SettingsError: there is a refinement already, or the figures are not complete.
    """
    check_new(folder)
    check_complete(found, {side: found[side].pairs for side in SIDES})
    decision = _decided(found, state_of(()), version.name, rule_of(lock))
    # Without a journal nothing was begun: what a killed process left is no version.
    (folder / f"{version.name}.yaml").unlink(missing_ok=True)
    versions.save(version, folder)
    samples.write(lock, folder)
    pairs = {side: found[side].pairs for side in SIDES}
    more = {"lock": lock.sha256, "sha256": version.sha256, "pairs": pairs}
    journal.append(folder, "start", **more, **_round(decision, run, found))
    return decision


def check_new(folder: Path) -> None:
    """Raise if a refinement was begun here.

    Raises:
        SettingsError: it was.
    """
    if journal.begun(folder):
        raise SettingsError(
            f"{folder} holds a refinement already.",
            hint="Go on with it, or choose another folder with --folder.",
        )


def check_complete(found: Mapping[Side, Measured], pairs: Mapping[str, int]) -> None:
    """Raise if answers are without a score, so that figures would not be comparable.

    Raises:
        SettingsError: says how many, or that no kappa is defined.
    """
    for side in SIDES:
        lost = max(found[side].lost, pairs[side] - found[side].pairs)
        if lost > 0 or pairs[side] != found[side].pairs:
            raise SettingsError(
                f"{side}: {lost} answers have no score of the judge: the round does not count.",
                hint="Run the same command again: what was judged is reused.",
            )
    if found["validation"].kappa is None:
        raise SettingsError(
            f"validation: kappa is not defined for {found['validation'].pairs} rated answers.",
            hint="People must call some usable and some not: rate more answers.",
        )


def rule_of(lock: Lock) -> Rule:
    """Return the rule that a lock fixes."""
    return Rule(target=lock.target, epsilon=lock.epsilon, max_rounds=lock.max_rounds)


def _decided(found: Mapping[Side, Measured], state: State, name: str, rule: Rule) -> Decision:
    held = found["validation"]
    assert held.kappa is not None, "check_complete has run"
    return decide(state.rounds, name, held.kappa, held.low, rule)


def _round(decision: Decision, run: str, found: Mapping[Side, Measured]) -> dict[str, Any]:
    return {
        **asdict(decision.round),
        "stop": decision.stop,
        "run": run,
        "validation": [_plain(each) for each in found["validation"].table],
        "calibration_work_aid": [_plain(each) for each in found["calibration"].table[-1:]],
    }


def _plain(found: Agreement) -> dict[str, Any]:
    figures = {
        name: {"value": each.value, "ci95": list(each.ci95) if each.ci95 else None}
        for name, each in found.figures.items()
    }
    return {
        "group": found.group,
        "n": found.n,
        "conversations": found.clusters,
        "counts": asdict(found.counts),
        "figures": figures,
        "warning": found.warning,
    }
