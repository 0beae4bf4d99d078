"""Rows of a circular set as copies of its questions; what makes copies agree is in `scoring`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from medcheck.packs.questions import Question
from medcheck.packs.rules import Row
from medcheck.scoring.circular import Copy, grouped, is_consistent
from medcheck.scoring.formats import read_answer
from medcheck.scoring.medbench_sets import SetInfo


def copies_of(
    info: SetInfo, rows: Sequence[Row], asked: Sequence[Question] | None = None
) -> Iterator[tuple[Row, Copy]]:
    """Yield each row that has an id, with the letter that was read from its answer.

    A row without an answer is a wrong answer to the platform; a row that is not there makes its
    group incomplete. How many copies a question has is counted in the question file `asked`;
    without one the set list tells it of sets whose questions all have equally many.
    """
    sizes = None if asked is None else Counter(question.id for question in asked)
    even = None if info.rows % info.groups else info.rows // info.groups
    for row in rows:
        if row.id is not None:
            value = read_answer(info.format, row.question, row.answer).value
            letter = value if isinstance(value, str) else None
            of = even if sizes is None else sizes[row.id]
            yield row, Copy(group=row.id, question=row.question, letter=letter, of=of)


def split_groups(info: SetInfo, rows: Sequence[Row]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield id and lines of each group whose readable answers are not one and the same option.

    What cannot be read is left to E8n and W6.
    """
    lines: dict[str, list[int]] = {}
    read = []
    for row, copy in copies_of(info, rows):
        if copy.letter is not None:
            lines.setdefault(str(copy.group), []).append(row.line)
            read.append(copy)
    for group, members in grouped(read).items():
        if not is_consistent(members):
            yield str(group), tuple(lines[str(group)])
