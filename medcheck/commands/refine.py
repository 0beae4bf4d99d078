"""`medcheck refine`: checklists and prompts are made better against people's ratings, in rounds."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.commands._grading import add_grading, environment, grading_settings, suites_of
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.refining.loop import Loop
    from medcheck.refining.samples import Lock, Side
    from medcheck.refining.versions import Version
    from medcheck.settings import Settings
    from medcheck.stats.human import Rating
    from medcheck.suites import Suite
    from medcheck.types import Run

FOLDER = "cases/refine"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    start = _action(actions, "start", "draw and lock two samples, and measure the judge on them")
    start.add_argument("name", metavar="SUITE")
    start.add_argument("run", metavar="RUN", help="its answers are judged again by each version")
    start.add_argument("--ratings", action="append", required=True, metavar="FILE",
                       help=".xlsx, .csv or JSON lines (repeatable)")  # fmt: skip
    start.add_argument("--target", type=float, default=0.6, metavar="KAPPA",
                       help="ends it once the bound of kappa is there; default 0.6")  # fmt: skip
    start.add_argument("--epsilon", type=float, default=0.02, metavar="KAPPA",
                       help="a smaller rise is no gain; default 0.02")  # fmt: skip
    start.add_argument("--max-rounds", type=int, default=5, metavar="N", help="default 5")
    start.add_argument("--seed", type=int, default=0, metavar="N", help="of the drawing")
    start.add_argument("--calibration", type=float, default=0.5, metavar="SHARE",
                       help="of the conversations that is learned from; default 0.5")  # fmt: skip
    _action(actions, "show", "disagreements of the calibration sample, the worst first")
    propose = _action(actions, "propose", "a change of checklists or guidance as a new version")
    source = propose.add_mutually_exclusive_group(required=True)
    source.add_argument("--edit", metavar="FILE", help="YAML: checklists by case, guidance")
    source.add_argument("--model", metavar="NAME", help="who proposes; a person then accepts")
    propose.add_argument("--by", metavar="NAME", help="of the person, with --edit")
    propose.add_argument("--reason", metavar="TEXT", help="with --edit")
    accept = _action(actions, "accept", "stand for a model's proposal", grading=False)
    accept.add_argument("version", metavar="VERSION")
    accept.add_argument("--by", required=True, metavar="NAME")
    judged = _action(actions, "run", "judge both samples by a version; keep it or roll it back")
    judged.add_argument("version", metavar="VERSION")
    _action(actions, "log", "what happened, with validation figures only", grading=False)
    apply = _action(actions, "apply", "the grader block of a version, to be copied", grading=False)
    apply.add_argument("version", metavar="VERSION")
    apply.add_argument("--out", metavar="FILE", help="instead of printing it")


def run(args: argparse.Namespace) -> int:
    """Do one step and say what follows; 0."""
    _STEPS[args.action](args)
    return 0


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    does: str,
    *,
    grading: bool = True,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=does, description=does)
    parser.add_argument("--folder", default=FOLDER, metavar="DIR", help=f"default {FOLDER}")
    if name != "start":
        parser.add_argument("--of", metavar="SUITE", help="where several suites are refined")
    if grading:
        add_grading(parser)
        add_places(parser)
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What a step of a refinement works on."""

    environ: Mapping[str, str]
    source: Run
    """With the answers to the suite only."""
    suite: Suite
    """As its file is, with the options of the source run."""
    ratings: tuple[Rating, ...]


def _start(args: argparse.Namespace) -> None:
    from medcheck.refining import loop, samples, told, versions
    from medcheck.refining.judging import judge, measure, sampled
    from medcheck.review.usable import check

    folder = Path(args.folder) / args.name
    loop.check_new(folder)
    _check_numbers(args)
    context = _context(args, args.name, args.run, args.ratings)
    version = versions.first(context.suite, "v0")
    check(context.ratings, context.source.results, of=f"{args.name} in run {args.run}")
    rated = samples.rated_cases(context.source.results, context.ratings)
    sides = samples.draw(rated, share=args.calibration, seed=args.seed)
    _check_sides(sides)
    settings = _settings(args, context, version, folder)
    (suite,) = suites_of([args.name], args.suite, settings)
    found = judge(sampled(context.source, args.name, rated), suite, settings, context.environ)
    lock = _lock(args, context, found, sides)
    figures = measure(found, context.ratings, args.name, samples=lock.samples, seed=lock.seed)
    decision = loop.begin(folder, lock, version, found.id, figures)
    _tell(told.drawn(lock, {name: category for name, (category, _) in rated.items()}))
    say("")
    _tell(told.measured(figures))
    _tell(told.decided(decision))
    _tell(_unmatched(context))
    say(f"wrote {folder}; commit it")


def _lock(
    args: argparse.Namespace, context: _Context, found: Run, sides: Mapping[Side, tuple[str, ...]]
) -> Lock:
    from medcheck.refining.judging import conditions_of
    from medcheck.refining.samples import Lock, hashes

    cases = [name for names in sides.values() for name in names]
    hashed = hashes(context.suite, context.source.results, context.ratings, cases)
    told = found.suites[args.name]
    return Lock(
        suite=args.name,
        run=args.run,
        ratings=tuple(args.ratings),
        judges=tuple(told["judges"]),
        conditions=conditions_of(told),
        seed=args.seed,
        calibration=args.calibration,
        target=args.target,
        epsilon=args.epsilon,
        max_rounds=args.max_rounds,
        samples={side: {name: hashed[name] for name in names} for side, names in sides.items()},
    )


def _show(args: argparse.Namespace) -> None:
    from medcheck.refining import told
    from medcheck.refining.disagreements import disagreements
    from medcheck.refining.judging import usability_of

    loop = _opened(args)
    context = _locked(args, loop)
    judged = _judged(args, loop)
    learned = [r for r in judged.results if r.case_id in loop.lock.samples["calibration"]]
    found = disagreements(learned, context.ratings, usability_of(judged, loop.lock.suite)[0])
    say(f"{loop.state.current}, {told.AID}: {len(found)} disagreements on {len(learned)} answers")
    _tell(told.shown(found))


def _propose(args: argparse.Namespace) -> None:
    from medcheck.refining import versions

    by, reason = (args.by or "").strip(), (args.reason or "").strip()
    if args.edit is not None and not (by and reason):
        raise SettingsError("--edit: whose is it, and why?", hint="Add --by NAME --reason TEXT.")
    loop = _opened(args)
    context = _locked(args, loop)
    parent = loop.version(loop.state.current)
    if args.edit is not None:
        edit = versions.read_edit(Path(args.edit), context.suite)
        version = loop.propose(edit, by=by, reason=reason)
    else:
        version = _of_model(args, loop, context)
    _tell(versions.diff(parent, version, _own(context.suite)))
    changed = versions.changed_cases(parent, version)
    sides = (f"{len(changed & set(names))} of {s}" for s, names in loop.lock.samples.items())
    say(f"{version.name}: checklists of {len(changed)} cases change, {', '.join(sides)}")
    say(f"wrote {loop.folder / version.name}.yaml")
    step = f"accept {version.name} --by NAME" if version.model else f"run {version.name}"
    say(f"next: medcheck refine {step}")


def _of_model(args: argparse.Namespace, loop: Loop, context: _Context) -> Version:
    from medcheck.refining.disagreements import disagreements
    from medcheck.refining.judging import usability_of
    from medcheck.refining.proposing import propose

    loop.state.check_open()
    judged = _judged(args, loop)
    learned = [r for r in judged.results if r.case_id in loop.lock.samples["calibration"]]
    found = disagreements(learned, context.ratings, usability_of(judged, loop.lock.suite)[0])
    settings = grading_settings(args, context.environ, run=loop.lock.run)
    settings = replace(settings, models=(args.model,))
    current = loop.version(loop.state.current)
    earlier = len(loop.state.proposed)
    proposed = propose(found, current, context.suite, settings, context.environ, earlier=earlier)
    return loop.propose(proposed.edit, by="", reason=proposed.reason, model=args.model)


def _accept(args: argparse.Namespace) -> None:
    loop = _opened(args)
    by = args.by.strip()
    loop.accept(args.version, by=by)
    say(f"{args.version} is accepted by {by}; next: medcheck refine run {args.version}")


def _run(args: argparse.Namespace) -> None:
    from medcheck.refining import told
    from medcheck.refining.judging import judge, measure_locked, sampled

    loop = _opened(args)
    loop.state.check_open()
    version = loop.version(args.version)
    loop.state.check_ready(version.name, version.parent)
    context = _locked(args, loop)
    settings = _settings(args, context, version, loop.folder)
    (suite,) = suites_of([loop.lock.suite], args.suite, settings)
    source = sampled(context.source, loop.lock.suite, loop.lock.cases)
    found = judge(source, suite, settings, context.environ, conditions=loop.lock.conditions)
    figures = measure_locked(found, context.ratings, loop.lock)
    decision = loop.note(version.name, found.id, figures)
    _tell(told.measured(figures))
    _tell(told.decided(decision))


def _log(args: argparse.Namespace) -> None:
    from medcheck.refining import told

    loop = _opened(args)
    _tell(told.log(loop.events))
    state = loop.state
    say(f"{state.current} holds; {f'ended: {state.stopped}' if state.stopped else 'it may go on'}")


def _apply(args: argparse.Namespace) -> None:
    from medcheck.refining import versions
    from medcheck.writers._files import replaced

    loop = _opened(args)
    version = loop.version(args.version)
    kept = [found.version for found in loop.state.rounds if found.kept]
    if version.name not in kept:
        raise SettingsError(
            f"{version.name} was rolled back, or never run.", hint=f"Kept: {', '.join(kept)}."
        )
    text = f"# {version.name} of {loop.lock.suite}, sha256 {version.sha256}\n"
    text += versions.block(version)
    if args.out is None:
        say(text.rstrip("\n"))
        return
    with replaced(Path(args.out)) as file:
        file.write(text)
    say(f"wrote {args.out}; copy its lines into the suite's grader block")


def _opened(args: argparse.Namespace) -> Loop:
    from medcheck.refining.loop import open_loop, place

    return open_loop(place(Path(args.folder), args.of))


def _context(
    args: argparse.Namespace, name: str, run_id: str, ratings: list[str] | tuple[str, ...]
) -> _Context:
    from medcheck.readers._human_ratings import load_all
    from medcheck.refining.judging import usability_of
    from medcheck.store.runs import Runs

    environ = environment(args)
    with open_store(settings_of(args)) as database:
        source = Runs(database).read(run_id)
        if name not in source.suites:
            known = ", ".join(source.suites)
            raise SettingsError(f'run {run_id} has no suite "{name}".', hint=f"It has: {known}.")
        results = tuple(r for r in source.results if r.suite == name)
    settings = grading_settings(args, environ, run=run_id, source=source)
    (suite,) = suites_of([name], args.suite, settings)
    usable_at = usability_of(source, name)[0].usable_at
    read = load_all(ratings, usable_at=usable_at)
    return _Context(
        environ=environ,
        source=replace(source, results=results),
        suite=suite,
        ratings=read,
    )


def _locked(args: argparse.Namespace, loop: Loop) -> _Context:
    """Return the context of a refinement whose samples are as they were locked."""
    from medcheck.refining.samples import hashes

    lock = loop.lock
    context = _context(args, lock.suite, lock.run, lock.ratings)
    found = hashes(context.suite, context.source.results, context.ratings, lock.cases)
    lock.check(found)
    return context


def _judged(args: argparse.Namespace, loop: Loop) -> Run:
    """Return the run of the version that holds."""
    from medcheck.store.runs import Runs

    with open_store(settings_of(args)) as database:
        found = Runs(database).read(loop.state.runs[loop.state.current])
        return replace(found, results=tuple(found.results))


def _settings(
    args: argparse.Namespace, context: _Context, version: Version, folder: Path
) -> Settings:
    """Return the settings under which a version judges, as a run of its own."""
    from medcheck.refining.samples import sha256
    from medcheck.refining.versions import overrides

    told = [*(args.set or ()), *overrides(version, context.suite.name)]
    given = argparse.Namespace(**{**vars(args), "set": told})
    # Another refinement of the same run must not write over this one's.
    mark = sha256([folder.as_posix(), version.sha256])[:8]
    name = f"{context.source.id}-refine-{version.name}-{mark}"
    return grading_settings(given, context.environ, run=name, source=context.source)


def _unmatched(context: _Context) -> Iterator[str]:
    from medcheck.review.usable import unmatched
    from medcheck.stats.human import strays

    answers = ((r.case_id, r.model, r.repeat) for r in context.source.results)
    return unmatched(strays(context.ratings, answers))


def _own(suite: Suite) -> dict[str, str]:
    return {case.id: case.criteria[0].text for case in suite.cases if case.criteria}


def _check_numbers(args: argparse.Namespace) -> None:
    if not 0 < args.calibration < 1:
        raise SettingsError(f"--calibration {args.calibration:g}: a share between 0 and 1.")
    if not -1 <= args.target <= 1 or not 0 <= args.epsilon <= 1:
        raise SettingsError("--target and --epsilon are values of kappa, up to 1.")
    if args.max_rounds < 1:
        raise SettingsError(f"--max-rounds {args.max_rounds}: at least 1 is needed.")


def _check_sides(sides: Mapping[Side, tuple[str, ...]]) -> None:
    for side, names in sides.items():
        if not names:
            raise SettingsError(
                f"no rated case is left for {side}.",
                hint="Rate answers of at least two conversations of a category, with a score or a "
                "verdict that most raters share.",
            )


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


_STEPS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "start": _start,
    "show": _show,
    "propose": _propose,
    "accept": _accept,
    "run": _run,
    "log": _log,
    "apply": _apply,
}
