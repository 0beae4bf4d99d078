"""`medcheck validate`: may a MedBench pack be uploaded, and which rows must be asked again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import say
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.packs.checking import Checked, SetCheck
    from medcheck.packs.findings import Finding
    from medcheck.packs.repair import Answers
    from medcheck.packs.rerun import Again

HEAD = ("set", "rows", "answers", "strict", "readable", "fail", "alike", "errors", "warnings")
SHOWN_RANGES = 8
NOT_WHOLE = ("length", "content_filter")
"""How answers end that are not whole."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "pack", metavar="PACK", help="a zip, the folder of its files, or one of them"
    )
    parser.add_argument("--questions", metavar="FOLDER", help="the track's question files (E7)")
    parser.add_argument("--track", metavar="TRACK", help="old, v4, vlm or agent; default: seen")
    parser.add_argument("--findings", metavar="FILE", help="write every finding as a JSON line")
    parser.add_argument("--rerun", metavar="FILE", help="write the rows to ask again as JSON lines")
    parser.add_argument(
        "--also", metavar="RULE", action="append", default=[],
        help="ask rows again that break this rule too: W1, W2, W3 or W4",
    )  # fmt: skip
    parser.add_argument("--fix", metavar="OUT", help="write a repaired zip, and OUT.log beside it")
    parser.add_argument("--merge", metavar="ANSWERS", help="with --fix: answers to the rows")


def run(args: argparse.Namespace) -> int:
    """Print a table and the findings; 1 where one is an error."""
    from medcheck.packs.archive import write_lines
    from medcheck.packs.checking import check_pack, layout_of
    from medcheck.packs.pack import open_pack
    from medcheck.packs.questions import load_questions

    if args.merge and not (args.fix and args.questions):
        raise SettingsError("--merge needs --fix OUT and --questions FOLDER.")
    pack = open_pack(Path(args.pack))
    layout = layout_of(pack, args.track)
    wanted = args.questions and not pack.unread
    questions = load_questions(Path(args.questions), layout) if wanted else None
    checked = check_pack(pack, layout, questions)
    say("\n".join(_report(checked)))
    if args.findings:
        listed = (json.dumps(asdict(f), ensure_ascii=False) for f in checked.findings)
        write_lines(Path(args.findings), listed)
    again = _again(args, checked)
    if args.fix:
        _fix(checked, Path(args.fix), _answers(args.merge, again, checked) if args.merge else {})
    return 0 if checked.clean else 1


def _again(args: argparse.Namespace, checked: Checked) -> tuple[Again, ...]:
    """Return the rows to ask again, where an option needs them; written where one says so."""
    from medcheck.packs.archive import write_lines
    from medcheck.packs.rerun import rows_again

    if not (args.rerun or args.merge or args.also):
        return ()
    if checked.pack.unread:
        say("No rows to ask again are named: the pack was not read, see E1.")
        return ()
    again = rows_again(checked, args.also)
    if args.rerun:
        write_lines(Path(args.rerun), [row.dumped() for row in again])
        say(f"{len(again)} rows to ask again: {args.rerun}")
    return again


def _fix(checked: Checked, out: Path, answers: Answers) -> None:
    from medcheck.packs.archive import write_lines
    from medcheck.packs.repair import log_of, repair

    path, changes = repair(checked, out, answers)
    log = path.with_name(f"{path.name}.log")
    write_lines(log, log_of(changes))
    say(
        f"wrote {path}: {len(changes)} changes, listed in {log}. Check it again before it goes out."
    )


def _answers(path: str, again: Sequence[Again], checked: Checked) -> Answers:
    """Return the answers to rows that are to be asked again; others keep the ones they have.

    An answer that was cut off or held back is none: its row stays as it is.
    """
    given, broken = _given(path, checked)
    places = {row.case_id: (row.set, row.line) for row in again}
    found = {places[name]: text for name, text in given.items() if name in places}
    filled = {place: text for place, text in found.items() if text.strip()}
    say(
        f"{len(filled)} of {len(again)} rows have a new answer; "
        f"{len(given) - len(found)} answers are to rows that need none."
    )
    left = sorted(broken & places.keys())
    if left:
        named = ", ".join(left[:SHOWN_RANGES]) + (", ..." if len(left) > SHOWN_RANGES else "")
        say(f"{len(left)} answers were cut off or held back, and are not taken: {named}.")
    return filled


def _given(path: str, checked: Checked) -> tuple[Mapping[str, str], set[str]]:
    """Return new answers by case, and the cases whose answer is not whole."""
    from medcheck.answers import is_pack, load_answers
    from medcheck.packs.answers import load_pack_answers

    if is_pack(Path(path)):
        questions = {each.info.name: each.questions or () for each in checked.sets}
        track = checked.layout.track
        rows = load_pack_answers(path, track=track, questions=questions, damaged=True)
        return {f"{name}-{line}": text or "" for (name, line), text in rows.items()}, set()
    answers = load_answers(path)
    broken = {name for name, ends in answers.finishes.items() if ends[0] in NOT_WHOLE}
    whole = {name: texts[0] for name, texts in answers.by_case.items() if name not in broken}
    return whole, broken


def _report(checked: Checked) -> Iterator[str]:
    if checked.sets:
        present = [each for each in checked.sets if each.rows is not None]
        yield from _table([HEAD, *(_cells(each) for each in present)])
        track = checked.layout.track
        if checked.pack.alone:
            yield f"One file of the track {track}; the other sets were not looked for."
        else:
            yield f"{len(present)} of {len(checked.sets)} sets of the track {track}."
        if all(each.questions is None for each in checked.sets):
            yield "E7 was not checked: name the question files with --questions FOLDER."
    yield from _grouped(checked.findings)
    errors = sum(finding.severity == "error" for finding in checked.findings)
    yield f"{errors} errors, {len(checked.findings) - errors} warnings."


def _cells(each: SetCheck) -> tuple[str, ...]:
    rows = each.rows or ()
    states = [str(each.states.get(state, 0)) for state in ("strict", "recoverable", "fail")]
    alike = f"{each.copies.consistent}/{each.copies.groups}" if each.copies else "-"
    if each.copies and each.copies.undecided:
        alike += f" (+{each.copies.undecided} incomplete)"
    return (
        each.info.name,
        str(len(rows)) if len(rows) == each.expected else f"{len(rows)}/{each.expected}",
        str(each.answered),
        *(states if each.info.closed else ["-"] * len(states)),
        alike,
        str(each.count("error")),
        str(each.count("warning")),
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *numbers in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join(cells).rstrip()


def _grouped(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the findings with those that differ only in their line on one line, errors first."""
    lines: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda found: found.severity != "error"):
        key = (finding.severity, finding.rule, finding.file, finding.message)
        lines.setdefault(key, []).append(finding)
    for (severity, rule, file, message), found in lines.items():
        if len(found) == 1:
            yield str(found[0])
            continue
        numbers = [each.line for each in found if each.line is not None]
        yield f"{file}:{_ranges(numbers)}: {severity} {rule}: {message} ({len(found)})"


def _ranges(numbers: Sequence[int]) -> str:
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in found]
    return ",".join(texts[:SHOWN_RANGES] + (["..."] if len(texts) > SHOWN_RANGES else []))
