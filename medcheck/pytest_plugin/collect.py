"""How pytest sees a YAML file: one real test item per case and model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medcheck.errors import MedcheckError, SuiteError, visible
from medcheck.pytest_plugin.state import State, state_of
from medcheck.tags import marker

if TYPE_CHECKING:
    from medcheck.types import Case, Result

SKIPPED_NAME = "not-run"


def is_suite(path: Path, config: pytest.Config) -> bool:
    """Return whether a file is a suite: it matches `medcheck_cases`, or was named outright."""
    if path.suffix not in (".yaml", ".yml") or path.name.startswith("_"):
        return False
    try:
        relative = path.relative_to(config.rootpath)
    except ValueError:
        relative = path
    if any(relative.match(glob) for glob in config.getini("medcheck_cases")):
        return True
    named = (str(arg).split("::")[0] for arg in config.args)
    return any(config.invocation_params.dir / name == path for name in named)


class SuiteFile(pytest.File):
    """A suite; its cases share one look-up of fixtures."""

    obj = None

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one item per case and model, and one for what cannot be run here."""
        state = state_of(self.config)
        suite = state.load(self.path, self.ihook)
        if suite.missing:
            yield NotRun.from_parent(self, name=SKIPPED_NAME, reason=suite.missing)
            return
        shared = None
        models: tuple[str | None, ...] = state.settings.models or (None,)
        unrecorded: dict[str, int] = {}
        whole = {name for name in models if name and state.counts_gaps(name, suite)}
        for index, case in enumerate(suite.cases):
            self._register(case.tags, state)
            for rank, model in enumerate(models):
                if not (model is None or model in whole or state.recorded(model, case)):
                    unrecorded[model] = unrecorded.get(model, 0) + 1
                    continue
                item = CaseItem.of(self, case, model, several=len(models) > 1, shared=shared)
                item.order = (suite.name, index, rank)
                shared = item._fixtureinfo  # noqa: SLF001  (computed once per file)
                yield item
        for model, count in unrecorded.items():
            reason = (
                f'{count} of {len(suite.cases)} cases of "{suite.name}" have no answer of '
                f'"{model}" {state.why_unrecorded(model)}'
            )
            yield NotRun.from_parent(self, name=f"{SKIPPED_NAME}[{model}]", reason=reason)

    def _register(self, tags: Iterable[str], state: State) -> None:
        for tag in tags:
            name = marker(tag)
            known = state.markers.get(name)
            if known is None:
                state.markers[name] = tag
                self.config.addinivalue_line("markers", f"{name}: cases tagged {tag}")
            elif known != tag:
                raise SuiteError(
                    f'tags "{known}" and "{tag}" are the same marker "{name}".',
                    hint="Rename one of them.",
                    where=str(self.path),
                )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], **_: Any) -> str:  # type: ignore[override]
        """Return our own errors as the lines that they are."""
        if isinstance(excinfo.value, MedcheckError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))


class NotRun(pytest.Item):
    """Stands for cases that cannot be run here; skipped, with what to do."""

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # A mark, so that the report names the suite and not a line of this file.
        self.add_marker(pytest.mark.skip(reason=reason))

    def runtest(self) -> None:
        """Do nothing: the mark skips it."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the suite file."""
        return self.path, 0, self.name


class CaseItem(pytest.Function):
    """One case, answered by one model."""

    case: Case
    model_name: str | None
    order: tuple[str, int, int] = ("", 0, 0)
    """Suite, place in the suite, place among the models: the order of the results."""

    @classmethod
    def of(
        cls, parent: SuiteFile, case: Case, model: str | None, *, several: bool, shared: Any
    ) -> CaseItem:
        """Return the item of a case; its id names the model when there are several."""
        name = f"{case.id}[{safe_id(model)}]" if several and model else case.id
        extra = {"fixtureinfo": shared} if shared is not None else {}
        item: CaseItem = cls.from_parent(parent, name=name, callobj=check_case, **extra)
        item.case = case
        item.model_name = model
        item.extra_keyword_matches.update(case.tags)
        for tag in case.tags:
            # pytest refuses such markers; --tag and -k still choose the case.
            if not marker(tag).startswith("_"):
                item.add_marker(marker(tag))
        return item

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the line of the case in its file; a skip mark cannot do without one."""
        line = self.case.origin.line if self.case.origin else None
        return self.path, line - 1 if line else 0, self.name


def safe_id(name: str) -> str:
    """Return a model's name as it stands in an id: what ids do not allow becomes `_`."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)


def check_case(case: Case, results: tuple[Result, ...]) -> None:
    """Fail a case that was measured below its threshold, or that met a zero-tolerance criterion."""
    harmful = [v for result in results for v in result.harms]
    if harmful:
        pytest.fail(visible(_harm_text(case, harmful)), pytrace=False)
    scores = [r.score.value for r in results if r.score and r.score.value is not None]
    if case.pass_at is None or not scores:
        return
    mean = sum(scores) / len(scores)
    if mean < case.pass_at:
        pytest.fail(visible(_low_text(case, mean, results)), pytrace=False)


def _harm_text(case: Case, harmful: list[Any]) -> str:
    criterion = harmful[0].criterion
    more = f" (and {len(harmful) - 1} more)" if len(harmful) > 1 else ""
    return f"{case.id}: zero-tolerance criterion {criterion.id} was met: {criterion.text}{more}"


def _low_text(case: Case, mean: float, results: tuple[Result, ...]) -> str:
    lines = [f"{case.id}: score {mean:.3f} is below pass_at {case.pass_at:g}"]
    verdicts = results[0].score.verdicts if results[0].score else ()
    for verdict in verdicts:
        criterion = verdict.criterion
        lost = (verdict.state == "met") != (criterion.points > 0)
        mark = "-" if lost else "+"
        lines.append(f"  {mark} [{criterion.points:+g}] {verdict.state}: {criterion.text}")
    return "\n".join(lines)
