"""Check a whole pack: every rule on every file; what each rule demands stands in its own module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from medcheck.errors import DatasetError, SettingsError
from medcheck.packs import rules, warnings
from medcheck.packs.copies import copies_of, split_groups
from medcheck.packs.findings import LAYOUTS, Finding, Layout, error, track_of
from medcheck.packs.pack import Pack
from medcheck.packs.questions import Question, Questions
from medcheck.packs.rules import Row
from medcheck.scoring.circular import Consistency, consistency
from medcheck.scoring.formats import read_answer
from medcheck.scoring.medbench_sets import SetInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCheck:
    """One set of a pack."""

    info: SetInfo
    file: str
    expected: int
    """Rows of the question file."""
    rows: tuple[Row, ...] | None
    """`None`: the file is not there, or cannot be read. `placed` where the questions are known."""
    questions: tuple[Question, ...] | None
    """`None`: they were not given."""
    ends: str = ""
    """Line ends: `LF`, `CRLF` or `mixed`; empty: none."""
    states: Mapping[str, int] = field(default_factory=dict)
    """Answers by the state of their format; empty for free text."""
    copies: Consistency | None = None
    """How alike shuffled copies were answered; `None`: the set has none."""
    findings: tuple[Finding, ...] = ()

    @property
    def answered(self) -> int:
        """How many rows have an answer."""
        return sum(row.answer is not None for row in self.rows or ())

    def count(self, severity: str) -> int:
        """Return how many findings have a severity."""
        return sum(finding.severity == severity for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found in a pack."""

    pack: Pack
    layout: Layout
    sets: tuple[SetCheck, ...]
    """All sets of the track, in the set list's order; of one file, its set."""
    extra: tuple[Finding, ...] = ()
    """About the pack, and files that are no set's."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings: of the pack first, then set by set, by line."""
        return (*self.extra, *(finding for each in self.sets for finding in each.findings))

    @property
    def clean(self) -> bool:
        """Whether nothing is an error."""
        return all(finding.severity != "error" for finding in self.findings)


def layout_of(pack: Pack, track: str | None = None) -> Layout:
    """Return the layout of a pack: of the track that is named, else of the one it looks like.

    Raises:
        SettingsError: the track is unknown, or nothing tells it.
    """
    found = track or track_of(pack.folder, (name.rsplit("/", 1)[-1] for name in pack.files))
    if found is None and not pack.unsafe:
        raise SettingsError(
            "no file of the pack is one of MedBench's.", where=pack.path,
            hint=f"Name its track: --track {'|'.join(LAYOUTS)}.",
        )  # fmt: skip
    if found is not None and found not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise SettingsError(f'unknown track "{found}".', hint=f"Known: {known}.")
    return LAYOUTS[found or "v4"]


def check_pack(pack: Pack, layout: Layout, questions: Questions | None = None) -> Checked:
    """Apply all rules; without `questions` E7 is left out and E6 counts by the set list.

    A pack that may not be opened has its E1 findings only.
    """
    if pack.unread:
        return Checked(pack=pack, layout=layout, sets=(), extra=pack.findings)
    known = layout.files()
    extra = [*pack.findings]
    if pack.folder is not None and pack.folder != layout.folder:
        text = f'the folder is "{pack.folder}", expected "{layout.folder}"'
        extra += [] if pack.unsafe else [error("E1", "", text)]
    extra += [
        error("E2", name, f"no file of the track {layout.track}")
        for name in pack.files
        if name not in known
    ]
    wanted = [file for file in known if file in pack.files] if pack.alone else known
    sets = tuple(_check_set(pack, layout, file, questions) for file in wanted)
    return Checked(pack=pack, layout=layout, sets=sets, extra=tuple(extra))


def _check_set(pack: Pack, layout: Layout, file: str, questions: Questions | None) -> SetCheck:
    info = layout.files()[file]
    asked = questions.get(info.name) if questions is not None else None
    expected = len(asked) if asked is not None else info.rows
    named = f"{pack.folder}/{file}" if pack.folder else file
    absent = SetCheck(info=info, file=named, expected=expected, rows=None, questions=asked)
    if file not in pack.files:
        found = error("E2", named, "the file is not in the pack")
        return _with(absent, [found])
    try:
        data = pack.files[file]()
    except DatasetError as wrong:
        return _with(absent, [error("E1", named, wrong.message.rstrip("."))])
    rows, found_lines = rules.read_rows(named, data)
    rows = rules.placed(rows, asked, layout) if asked is not None else rows
    here = replace(absent, rows=rows, ends=_ends(data), states=_states(info, rows))
    if info.circular:
        copies = (copy for _, copy in copies_of(info, rows, asked))
        here = replace(here, copies=consistency(copies))
    return _with(here, [*found_lines, *_broken(here, layout), *_odd(here)])


def _broken(checked: SetCheck, layout: Layout) -> Iterator[Finding]:
    file, rows = checked.file, checked.rows or ()
    yield from rules.check_count(file, rows, checked.expected)
    if checked.questions is not None:
        yield from rules.check_places(file, rows, checked.questions, layout)
        yield from rules.check_missing(file, rows, checked.questions)
    yield from rules.check_answers(file, rows)
    yield from rules.check_any_answer(file, rows)
    yield from rules.check_keys(file, rows, layout)


def _odd(checked: SetCheck) -> Iterator[Finding]:
    file, rows, info = checked.file, checked.rows or (), checked.info
    yield from warnings.check_texts(file, rows)
    if info.closed:
        yield from warnings.check_formats(file, rows, lambda q, a: _state(info, q, a))
    if info.circular:
        yield from warnings.check_groups(file, split_groups(info, rows))


def _with(checked: SetCheck, findings: list[Finding]) -> SetCheck:
    ordered = sorted(findings, key=lambda found: (found.line or 0, found.rule))
    return replace(checked, findings=tuple(ordered))


def _states(info: SetInfo, rows: tuple[Row, ...]) -> Mapping[str, int]:
    if not info.closed:
        return {}
    return Counter(_state(info, row.question, row.answer) for row in rows if row.answer)


def _state(info: SetInfo, question: str, answer: str) -> str:
    return read_answer(info.format, question, answer).state or ""


def _ends(data: bytes) -> str:
    windows = data.count(b"\r\n")
    lines = data.count(b"\n")
    return "" if not lines else "LF" if not windows else "CRLF" if windows == lines else "mixed"
