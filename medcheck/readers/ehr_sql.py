"""EHRSQL on eICU: questions on a hospital's database, some of which it cannot answer.

A folder holds the questions (test, valid) and a SQLite database. The public extract has 7 stays
of 5 patients, so that most gold queries give nothing: the tag `gold:` says what each gives, and the
option `gold` chooses. With a database of your own in the folder, the questions are asked of that.

Source: medhelm.md sections 3 and 7, item 3 (glee4810/EHRSQL at 01241a3; the database
raulista1997/benchmarkdata at 52ba552).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from medcheck.errors import DatasetError
from medcheck.lines import Record, any_text, checked_object, filled_list, filled_text, shown
from medcheck.readers import _medhelm, _medhelm_lint, _sqlite
from medcheck.readers._medhelm_lint import GOLD, Doubt
from medcheck.types import Case, Origin

if TYPE_CHECKING:
    from sqlite3 import Connection

FOLDERS = True
"""Its data is a folder."""
SPLITS: Mapping[str, tuple[str, ...]] = {
    "test": ("ehrsql_eicu_test.json", "test.json"),
    "valid": ("ehrsql_eicu_valid.json", "valid.json"),
}
DATABASES = ("ehrsql_eicu_demo.sqlite", "eicu.sqlite")
UNANSWERABLE = "unanswerable"
STATES = (*get_args(_sqlite.Gave), UNANSWERABLE)
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "splits": {
            "type": "array",
            "items": {"enum": list(SPLITS)},
            "minItems": 1,
            "description": "Default: test and valid.",
        },
        "gold": {
            "type": "array",
            "items": {"enum": list(STATES)},
            "minItems": 1,
            "description": "Questions whose gold query gives this; default: all.",
        },
        "database": {
            "type": "string",
            "pattern": r"^[^/\\]+$",
            "description": "File name of another SQLite database in the folder.",
        },
    },
    "additionalProperties": False,
}
TASK = _medhelm.Task(
    name="ehr_sql",
    instructions=(
        "A hospital's data stand in the SQLite tables below. Write the one SQL query that answers "
        "the question, and nothing else, between <sql> and </sql>. If the tables cannot answer it, "
        "write <sql></sql>."
    ),
    noun="Tables",
    output="Query",
)
_HINT = "Run: medcheck fetch medhelm_ehr_sql"


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each question: `ehr_sql-SPLIT-N`, N its position in its file.

    The reference is the gold query; a question that cannot be answered has none.
    `labels["task"]`: `sql` (`None`: unanswerable), `answerable`, `gold` (what the query gives),
    `database` (a path; `None` where it is gzipped), `value` (what fills the question), `class`,
    `key`. Tags: `split:`, `gold:`, `para:` (who phrased it), `importance:`.

    Raises:
        DatasetError: a file is missing, the database is none, or a question cannot be used.
    """
    folder = Path(path)
    database = _database(folder, options.get("database"))
    splits = options.get("splits", SPLITS)
    files = [(name, _member(folder, *SPLITS[name])) for name in splits]
    with ExitStack() as stack:
        connection = stack.enter_context(_sqlite.opened(database))
        builder = _Builder(connection, database, frozenset(options.get("gold", STATES)))
        # built while the database is open, which a generator could leave open for ever
        found = [*chain.from_iterable(builder.cases(name, file) for name, file in files)]
    if not found:
        raise DatasetError("no question has such a gold result.", where=str(folder))
    return iter(found)


def lint(cases: Iterable[Case], options: Mapping[str, Any] | None = None) -> tuple[Doubt, ...]:
    """Return what is doubtful about the cases."""
    del options
    return _medhelm_lint.findings(cases, _gold)


class _Builder:
    def __init__(self, connection: Connection, database: Path, wanted: frozenset[str]) -> None:
        self.connection = connection
        self.schema = _sqlite.schema(connection)
        self.database = None if database.suffix == ".gz" else str(database)
        self.wanted = wanted

    def cases(self, split: str, path: Path) -> Iterator[Case]:
        """Yield the wanted cases of one file."""

        def build(number: int, found: object) -> Case | None:
            return self._case(f"{split}-{number}", found, split, path)

        rows = filled_list(_medhelm.json_file(path), str(path))
        try:
            yield from _medhelm.built(path, rows, build)
        except DatasetError as error:
            if error.message != _medhelm.NO_CASES:
                raise

    def _case(self, number: str, found: object, split: str, path: Path) -> Case | None:
        record = checked_object(found, ("question", "query", "is_impossible"), None, "the question")
        if not isinstance(record["is_impossible"], bool):
            flag = shown(record["is_impossible"])
            raise DatasetError(f"is_impossible is {flag}, expected true or false.")
        query = None if record["is_impossible"] else filled_text(record["query"], "query")
        state = _sqlite.gave(self.connection, query) if query else UNANSWERABLE
        if state not in self.wanted:
            return None
        question = filled_text(record["question"], "question").strip()
        text = f"\n{self.schema}\n\nQuestion: {question}"
        return _medhelm.case(
            TASK,
            number,
            TASK.prompt(text),
            origin=Origin(path=str(path), record=record),
            references=() if query is None else (query,),
            facts=self._facts(record, query, state),
            tags=(f"split:{split}", f"{GOLD}{state}", *_tags(record)),
        )

    def _facts(self, record: Record, query: str | None, state: str) -> dict[str, Any]:
        return {
            "sql": query,
            "answerable": query is not None,
            "gold": state,
            "database": self.database,
            "value": record.get("value") or {},
            "class": "unanswerable" if query is None else "answerable",
            "key": any_text(record.get("id") or "", "id"),
        }


def _tags(record: Record) -> Iterator[str]:
    for prefix, name in (("para", "para_type"), ("importance", "importance")):
        if record.get(name):
            yield f"{prefix}:{record[name]}"


def _database(folder: Path, name: str | None) -> Path:
    names = (name,) if name else DATABASES
    if not folder.is_dir():
        problem = "not a folder with questions and a database."
        raise DatasetError(problem, hint=_HINT, where=str(folder))
    return _member(folder, *names)


def _member(folder: Path, *names: str) -> Path:
    found = _medhelm.member(folder, *names)
    if found is None:
        raise DatasetError(f"the folder holds no {names[0]}.", hint=_HINT, where=str(folder))
    return found


_SAYS: Mapping[str, str] = {
    "error": "the gold query does not run on this database",
    "empty": "the gold query gives no row: any query that gives none counts as right",
    "null": "the gold query gives NULL: so does any other that finds nothing",
    "zero": "the gold query gives 0: so does a count of anything that is not there",
}


def _gold(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find gold queries that say nothing on this database."""
    for state, text in _SAYS.items():
        found = [case for case in cases if f"{GOLD}{state}" in case.tags]
        hint = f"{text}. Leave them out (options.gold), or use a fuller database."
        yield from _medhelm_lint.doubt("warning", f"{state}_gold_result", hint, found)
