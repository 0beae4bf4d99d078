"""`medcheck certify`: a judge is measured, and what was found is signed and written down."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.commands._grading import environment, grading_settings, suites_of
from medcheck.commands.baseline import person
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.certificates import Certificate, Check
    from medcheck.certifying.batching import Proof
    from medcheck.settings import Settings
    from medcheck.suites import Suite

LABELS = Path("cases") / "healthbench_meta.yaml"
STATUS = {"PASS": 0, "FAIL": 1, "NOT MEASURED": 12}
SAMPLE, BATCH_SAMPLE = 300, 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("judge", metavar="JUDGE")
    parser.add_argument(
        "--suite", action="append", metavar="PATH",
        help=f"answers with people's labels of true or false; default {LABELS}",
    )  # fmt: skip
    parser.add_argument(
        "--for", dest="target", metavar="PATH",
        help="the suite whose grader, prompts, parameters and protocol are certified",
    )  # fmt: skip
    parser.add_argument(
        "--sample",
        default=str(SAMPLE),
        metavar="N",
        help=f"labeled cases, or all; default {SAMPLE}",
    )
    parser.add_argument(
        "--regrade", type=int, default=3, metavar="K", help="gradings for stability; default 3"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument(
        "--batch", action="store_true", help="also: one call for all criteria, on answers of --run"
    )
    parser.add_argument("--run", metavar="RUN", help="a stored run, for --batch")
    parser.add_argument("--by", metavar="NAME", help="who signs; default: git's user")
    parser.add_argument("--valid-days", type=int, default=180, metavar="N", help="default 180")
    parser.add_argument(
        "--out", metavar="FILE", help="default cases/certificates/JUDGE-PROTOCOL.json"
    )
    parser.add_argument("--protocol", choices=("official", "strict"))
    parser.add_argument("--responses", choices=("reuse", "fresh", "only"), help="default reuse")
    parser.add_argument("--concurrency", type=int, metavar="N", help="default 64")
    parser.add_argument("--max-calls", type=int, metavar="N", help="hard stop")
    parser.add_argument("--budget", type=float, metavar="USD", help="hard stop")
    parser.add_argument("--yes", action="store_true", help="go on above 5,000 calls")
    parser.add_argument("--models-file", metavar="PATH", help="default: models.yaml, if it is here")
    parser.add_argument("--judge-base-url", metavar="URL", help="endpoint of the judge")
    parser.add_argument("--env-file", metavar="PATH", help="file of KEY=VALUE lines to read")
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Write the certificate; 0: all passed, 1: a check failed, 12: something was not measured."""
    from medcheck import certificates
    from medcheck.certifying.measuring import certify, plan

    _checked(args)
    environ = environment(args)
    # The option --run names a stored run, not what this command is to be called.
    settings = grading_settings(args, environ, run="certify")
    by = args.by or person(os.environ)
    planned = plan(
        args.judge,
        _labels(args),
        settings,
        environ,
        target=_suite(args.target) if args.target else None,
        sample=None if args.sample == "all" else int(args.sample),
        gradings=args.regrade,
        seed=args.seed,
    )
    _agreed(args, planned.calls)
    proof = _proof(args, settings, environ) if args.batch else None
    signed = certify(
        planned,
        environ,
        by=by,
        day=datetime.now(UTC).date(),
        valid_days=args.valid_days,
        more=(proof.check,) if proof else (),
    )
    if proof is not None and proof.check.outcome == "PASS":
        signed = replace(signed, prompts={**signed.prompts, **proof.prompts})
    place = Path(args.out) if args.out else certificates.place(args.judge, signed.protocol)
    for line in (*_lines(signed), f"wrote {certificates.write(signed, place)}"):
        say(line)
    return STATUS[signed.outcome]


def _lines(signed: Certificate) -> Iterator[str]:
    for check in signed.checks:
        yield from _check_lines(check)
    yield signed.line


def _check_lines(check: Check) -> Iterator[str]:
    said = f"{check.name:<10} {check.outcome:<14}"
    if check.value is None:
        yield f"{said} {check.note}"
        return
    bound = "at least" if check.at_least else "at most"
    span = f" ({check.ci95[0]:.3f} to {check.ci95[1]:.3f})" if check.ci95 else ""
    yield f"{said} {check.value:.3f}{span}, {bound} {check.limit:g}, n {check.n}"
    if check.note:
        yield f"{'':<11}{check.note}"
    if check.failures and check.outcome == "FAIL":
        yield f"{'':<11}at: {', '.join(check.failures)}"


def _checked(args: argparse.Namespace) -> None:
    if args.sample != "all" and not (args.sample.isdecimal() and int(args.sample) > 0):
        raise SettingsError(f"--sample {args.sample}: write a number from 1, or all.")
    for name in ("regrade", "valid_days"):
        if getattr(args, name) < 1:
            raise SettingsError(f"--{name.replace('_', '-')}: a number from 1 is needed.")
    if args.batch != bool(args.run):
        raise SettingsError("--batch needs the answers of a run.", hint="Name it with --run RUN.")


def _agreed(args: argparse.Namespace, calls: int) -> None:
    from medcheck.settings import CONFIRM_CALLS

    limited = args.yes or args.budget is not None or args.max_calls is not None
    if calls > CONFIRM_CALLS and not limited and args.responses != "only":
        raise SettingsError(
            f"this takes up to {calls:,} calls.",
            hint="Add --yes to go on, --budget USD for a limit, or --sample N for less.",
        )


def _labels(args: argparse.Namespace) -> Suite | None:
    if args.suite:
        return _suite(args.suite[0])
    return _suite(str(LABELS)) if LABELS.is_file() else None


def _suite(path: str) -> Suite:
    from medcheck.suites import load_suite

    return load_suite(Path(path))


def _proof(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> Proof:
    from medcheck.certifying.batching import prove
    from medcheck.store.runs import Runs

    with open_store(settings_of(args)) as database:
        source = Runs(database).read(args.run)
        named = [args.target] if args.target else None
        suites = suites_of(source.suites, named, settings) if not named else (_suite(args.target),)
        proof = prove(
            args.judge,
            source,
            suites[0],
            settings,
            environ,
            sample=None if args.sample == "all" else min(BATCH_SAMPLE, int(args.sample)),
            seed=args.seed,
        )
    single, batch = proof.calls
    say(f"batch: {batch} calls in place of {single}")
    for name, share in proof.check.figures.items():
        if share is not None and not name.startswith("met_rate"):
            say(f"  {name}: {share:.3f} equal verdicts")
    return proof
