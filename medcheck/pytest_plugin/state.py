"""What the hooks of one pytest session share; nothing is loaded before a suite is collected."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medcheck.errors import MedcheckError, SuiteError
from medcheck.pytest_plugin.options import settings_of

if TYPE_CHECKING:
    from medcheck.engine.planning import Forecast
    from medcheck.engine.session import Work
    from medcheck.engine.setup import Setup
    from medcheck.pytest_plugin.ending import Ending
    from medcheck.settings import Settings
    from medcheck.store.lock import RunLock
    from medcheck.suites import Suite
    from medcheck.types import Case

KEY: pytest.StashKey[State] = pytest.StashKey()


class State:
    """One session's suites, items, engine and ending."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.suites: dict[Path, Suite] = {}
        self.markers: dict[str, str] = {}
        self.works: tuple[Work, ...] = ()
        """In the order of the results."""
        self.items: tuple[Work | None, ...] = ()
        """In the order of the session's items; `None`: a test that is no case."""
        self.setup: Setup | None = None
        self.lock: RunLock | None = None
        self.ending: Ending | None = None
        self.lost: str | None = None
        """Why the run could not be read at its end."""
        self.by_item: dict[str, Work] = {}
        """By node id."""
        self.own: frozenset[str] = frozenset()
        """`model`, `judge` or both, where the user's conftest.py supplies them."""
        self.adopted: set[tuple[str, str]] = set()
        self.plan: Forecast | None = None
        self.handoff: Path | None = None
        """Where the first worker tells the controller what is wrong."""
        self.measured = 0
        """Items that have reported, for the progress line."""
        self.calls = 0
        self.said = time.monotonic()
        self.told: deque[str] = deque()
        """What the engine's thread wants printed at once."""
        self.set_by_file: dict[str, str] = {}
        """What `--env-file` added to the environment of this process and its workers."""
        self.refused: int | None = None
        """The exit status of a run that must not start, where it is not pytest's own."""
        self.prepared = False
        """Whether what the ending needs is imported."""
        self.started = False
        """Whether the run has a place in the store: cases were selected and may be asked."""

    @cached_property
    def settings(self) -> Settings:
        """Return the settings; a worker takes the run's name from the controller."""
        from dataclasses import replace

        settings = settings_of(self.config)
        run = worker_input(self.config).get("medcheck_run")
        return replace(settings, run=run) if run else settings

    def load(self, path: Path, hook: Any) -> Suite:
        """Return the suite in a file, read once; `hook` may change its cases.

        Raises:
            MedcheckError: the file, what the command line sets in it, or a changed case is wrong.
        """
        path = Path(os.path.normpath(path))
        if path not in self.suites:
            from medcheck.pytest_plugin.choosing import changed

            suite = changed(_read(path, self.settings), hook)
            for other, known in self.suites.items():
                if known.name == suite.name:
                    raise SuiteError(
                        f'suite "{suite.name}" is also the name of {other.name}.',
                        hint="Give each suite a name of its own.",
                        where=path.name,
                    )
            self.suites[path] = suite
        return self.suites[path]

    def recorded(self, model: str, case: Case) -> bool:
        """Return whether a model can answer a case: existing answers only what they hold."""
        has_answer = self._recordings.get(model)
        return has_answer is None or bool(has_answer(case))

    def counts_gaps(self, model: str, suite: Suite) -> bool:
        """Return whether cases that a model has no answer to are part of a suite's figures."""
        if not model.startswith("answers:"):
            return False
        from medcheck.engine.existing import gaps_count

        return gaps_count(suite, self.settings.protocol, lambda case: self.recorded(model, case))

    def why_unrecorded(self, model: str) -> str:
        """Return what a user can do about cases that a model has no answer to."""
        if model.startswith("answers:"):
            return "in that file or column."
        return "on record. Run them with a model of your own: pytest --model=NAME"

    @cached_property
    def _recordings(self) -> dict[str, Any]:
        from medcheck.engine.setup import recordings

        return recordings(self.settings)

    @cached_property
    def expects_suites(self) -> bool:
        """Return whether this session will collect suites; decided before collection."""
        from medcheck.pytest_plugin.collect import is_suite

        root = self.config.rootpath
        globs = self.config.getini("medcheck_cases")
        files = [path for glob in globs for path in root.glob(glob)]
        places = [_place(self.config, arg) for arg in self.config.args]
        inside = (f for f in files for p in places if f == p or p in f.parents)
        named = (p for p in places if p.is_file())
        return any(is_suite(path, self.config) for path in (*inside, *named))

    def read_env_file(self) -> None:
        """Add the variables of `--env-file` that the environment does not have.

        Raises:
            UsageError: the file cannot be read, or a line of it is wrong.
        """
        given = self.config.option.medcheck_env_file
        if given is None or self.is_worker:
            return  # a worker inherits them
        from medcheck.settings import read_env_file

        try:
            found = read_env_file(self.config.invocation_params.dir / given)
        except MedcheckError as error:
            raise pytest.UsageError(f"medcheck: {error}") from None
        self.set_by_file = {name: text for name, text in found.items() if name not in os.environ}
        os.environ.update(self.set_by_file)

    def release(self) -> None:
        """Free the run folder, what was kept for the workers, and the environment."""
        for name, text in self.set_by_file.items():
            if os.environ.get(name) == text:
                del os.environ[name]
        if self.lock is not None:
            self.lock.release()
        if self.handoff is not None:
            shutil.rmtree(self.handoff.parent, ignore_errors=True)

    @property
    def model_names(self) -> tuple[str, ...]:
        """Return the models of this session; one that conftest.py supplies needs no name."""
        return self.settings.models or (("model",) if "model" in self.own else ())

    def work_of(self, item: pytest.Item) -> Work | None:
        """Return the work of an item that has a case and wants its result."""
        return self.by_item.get(item.nodeid)

    @property
    def is_worker(self) -> bool:
        """Return whether this process is an xdist worker."""
        return hasattr(self.config, "workerinput")

    @property
    def is_first(self) -> bool:
        """Return whether this process plans for all: the only one, or the first worker."""
        return bool(worker_input(self.config).get("workerid", "gw0") == "gw0")


def worker_input(config: pytest.Config) -> dict[str, Any]:
    """Return what the controller sent to this worker; empty elsewhere."""
    return getattr(config, "workerinput", {})


def state_of(config: pytest.Config) -> State:
    """Return the session's state."""
    if KEY not in config.stash:
        config.stash[KEY] = State(config)
    return config.stash[KEY]


def _place(config: pytest.Config, arg: object) -> Path:
    return (config.invocation_params.dir / str(arg).split("::")[0]).resolve()


def _read(path: Path, settings: Settings) -> Suite:
    from medcheck.suites.loader import load
    from medcheck.suites.sampling import parse_sample
    from medcheck.suites.yaml_lines import read_value

    def overrides(name: str) -> dict[str, Any]:
        return {
            key: read_value(text, where=f"--set {name}.{key}")
            for key, text in settings.overrides_of(name).items()
        }

    sample = settings.sample
    wanted = None if sample is None else parse_sample(sample, seed=settings.seed)
    return load(path, overrides, sample=wanted)


def environment() -> dict[str, str]:
    """Return the environment that names keys and endpoints."""
    return dict(os.environ)
