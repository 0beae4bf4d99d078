"""`review.xlsx`: points of a run for people to judge, who learn neither model nor judge nor vote.

A path that ends in `.csv` or `.jsonl` gives that form, without the page of instructions. Which
points these are, and how they are found again, is decided in `review.queue`; there is no key file.
System text is left out: each model may have its own, which would tell them apart.

Source: trust.md sections 3 and 4; gaps.md section 9, item 1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.errors import WriterError
from medcheck.review.queue import Point, chosen, item_of, points_of
from medcheck.summary import Summary
from medcheck.types import Message, Result, Run
from medcheck.writers._cells import Book, workbook
from medcheck.writers._files import replaced
from medcheck.writers.csv import BOM, safe

if TYPE_CHECKING:
    from openpyxl.worksheet.datavalidation import DataValidation

COLUMNS = ("item", "question", "answer", "criterion", "kind", "verdict", "comment", "rater")
WIDTHS = (20, 50, 80, 50, 40, 20, 40, 16)
"""Of the columns, in characters."""
VERDICTS = ("met 符合", "not met 不符合", "cannot tell 无法判断")
UNSURE = VERDICTS[-1]
MAX_LIST = 255
"""Characters of a drop-down list that Excel takes."""
KINDS = {
    "requirement": "Requirement: met if the answer does this fully and correctly. "
    "要求：回答完整且正确地做到，才算符合。",
    "flaw": "Flaw: met if the answer really shows this. 缺陷：回答确实出现此问题，即为“符合”。",
    "scale": "Score from {low:g} (worst) to {high:g} (best). "
    "评分：{low:g} 分最差，{high:g} 分最好。",
}
"""What a verdict means, in plain words."""
INSTRUCTIONS = (
    ("English", "中文"),
    (
        (
            "Each row of the first sheet is one question: does this answer do what stands under "
            "criterion? Please judge each row by itself, without talking to the other raters."
        ),
        (
            "第一张表的每一行是一个问题：该回答是否符合 criterion 一栏所述？"
            "请独立逐行判断，不要与其他评审人讨论。"
        ),
    ),
    (
        (
            "Write only into the columns verdict, comment and rater. Do not change the column "
            "item: it is how your verdict finds its way back. Rows may be sorted or left out."
        ),
        (
            "只填写 verdict（判定）、comment（备注）和 rater（评审人）三栏。"
            "请勿改动 item（编号）一栏，系统靠它识别该行。可以排序，也可以删去整行。"
        ),
    ),
    (
        (
            "verdict: met, not met or cannot tell; where kind says so, a score instead. Chinese "
            "words (符合, 不符合, 无法判断) count as well. An empty cell means not rated yet."
        ),
        (
            "verdict：填写“符合”“不符合”或“无法判断”；kind 一栏注明评分的，填写分数。"
            "英文（met, not met, cannot tell）亦可。留空表示尚未评审。"
        ),
    ),
    (
        (
            "A requirement is met only if the answer does all of it, clearly and correctly. "
            "Where the criterion gives examples, some of them are enough."
        ),
        (
            "“要求”类：回答须明确、正确、完整地做到才算符合；"
            "标准中仅作举例的内容，做到其中一部分即可。"
        ),
    ),
    (
        (
            "A flaw is met only if the answer really shows it. That the answer leaves something "
            "out is no flaw, unless the criterion says so."
        ),
        "“缺陷”类：回答中确实出现该问题才算符合；除标准明确写明外，未提及某内容不算缺陷。",
    ),
    (
        (
            "cannot tell: the criterion is ambiguous, or the answer cannot be judged without "
            "more facts. Please say in comment why."
        ),
        "“无法判断”：标准有歧义，或缺少判断所需的信息。请在 comment 中说明原因。",
    ),
    (
        (
            "rater: your name or a code, the same in all rows. Left empty, the name of the "
            "file stands for you: then give your copy a name of its own."
        ),
        "rater：您的姓名或代号，各行一致。留空则以文件名代替，请为您的文件取一个独有的名字。",
    ),
    (
        (
            'A text too long for a cell stands in the file beside this workbook ("see ..., '
            'line 3"). Control characters appear as \\u and four digits.'
        ),
        (
            "过长的文本保存在同一文件夹的另一文件中（“see ..., line 3”即第 3 行）。"
            "控制字符显示为 \\u 加四位数字。"
        ),
    ),
    (
        (
            "Disputed points come first and the clear ones last: please do not stop before "
            "the end, or rate a share of the last rows too."
        ),
        "有争议的条目在前，较明确的在后：请尽量评完，或者至少也评一部分靠后的条目。",
    ),
)
"""The second page, a line for each row: English, then Chinese."""

Row = tuple[str, str, str, str, str]


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the queue; see the shelf's contract.

    Reads the results twice: to choose, and for the texts of what was chosen, which are held.

    Raises:
        WriterError: there is nothing to review, or the file cannot be written.
    """
    del summary
    order = chosen(run)
    if not order:
        raise WriterError(
            "the run holds no point that judges decided on.", where=str(path),
            hint="Review a run with criteria and judges.",
        )  # fmt: skip
    found = dict(_found(run, frozenset(order)))
    rows = [found[item] for item in order]
    writer = {".csv": _write_csv, ".jsonl": _write_jsonl}.get(path.suffix.lower(), _write_workbook)
    writer(rows, path)
    return path


def _found(run: Run, items: frozenset[str]) -> Iterator[tuple[str, tuple[Row, Point]]]:
    for result in run.results:
        for point in points_of(result) if result.completion else ():
            item = item_of(run, point)
            if item in items:
                yield item, (_row(item, result, point), point)


def _row(item: str, result: Result, point: Point) -> Row:
    assert result.completion is not None
    low, high = point.scale
    kind = KINDS[point.kind].format(low=low, high=high)
    return item, _question(result.messages), result.completion.text, point.text, kind


def _question(messages: Iterable[Message]) -> str:
    turns = [message for message in messages if message.role not in ("system", "developer")]
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"{message.role}: {message.text}" for message in turns)


def _write_workbook(rows: Sequence[tuple[Row, Point]], path: Path) -> None:
    with workbook(path) as book:
        page = book.page("review", COLUMNS, widths=WIDTHS)
        for number, (row, _) in enumerate(rows, start=2):
            page.append(_cells(book, page, row, number))
        for validation in _validations([point for _, point in rows]):
            page.data_validations.append(validation)
        told = book.page("instructions", INSTRUCTIONS[0], widths=(80, 80))
        for number, line in enumerate(INSTRUCTIONS[1:], start=2):
            told.append(_cells(book, told, line, number))


def _cells(book: Book, page: Any, texts: Sequence[str], number: int) -> list[Any]:
    from openpyxl.styles import Alignment

    cells = [book.cell(page, text, (number, at)) for at, text in enumerate(texts, start=1)]
    for cell in cells:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cells


def _validations(points: Sequence[Point]) -> Iterator[DataValidation]:
    """Yield a drop-down list for each kind of verdict; after a warning other words pass as well."""
    from openpyxl.worksheet.datavalidation import DataValidation

    rows: dict[tuple[str, ...], list[int]] = {}
    for number, point in enumerate(points, start=2):
        rows.setdefault(_choices(point), []).append(number)
    for choices, numbers in rows.items():
        listed = ",".join(choices)
        if len(listed) > MAX_LIST:
            continue
        yield DataValidation(
            type="list", formula1=f'"{listed}"', sqref=_ranges(numbers), allow_blank=True,
            showErrorMessage=True, errorStyle="warning", errorTitle="verdict 判定",
            error=" / ".join(choices)[:MAX_LIST],
        )  # fmt: skip


def _ranges(numbers: Sequence[int]) -> str:
    """Return the cells of these rows, ascending, neighbors as one range."""
    from openpyxl.utils import get_column_letter

    column = get_column_letter(COLUMNS.index("verdict") + 1)
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return " ".join(f"{column}{first}:{column}{last}" for first, last in spans)


def _choices(point: Point) -> tuple[str, ...]:
    if point.kind != "scale":
        return VERDICTS
    low, high = (int(bound) for bound in point.scale)
    return (*(str(score) for score in range(low, high + 1)), UNSURE)


def _write_csv(rows: Sequence[tuple[Row, Point]], path: Path) -> None:
    with replaced(path) as file:
        file.write(BOM)
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(COLUMNS)
        for row, _ in rows:
            table.writerow([*(safe(text) for text in row), "", "", ""])


def _write_jsonl(rows: Sequence[tuple[Row, Point]], path: Path) -> None:
    with replaced(path) as file:
        for row, _ in rows:
            record = dict.fromkeys(COLUMNS, "") | dict(zip(COLUMNS, row, strict=False))
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
