"""The shelf of readers: one file per dataset format; the file name is the name in YAML.

A reader module holds

- `read(path, options) -> Iterator[Case]`, described by `Read` below;
- `FOLDERS`: true where the path may be a folder of files;
- `lint(cases, options)`: what is doubtful about the data, see `suites.audit`;
- `PROTOCOL`: `official` or `strict`, the judge protocol of suites in this format;
- `OPTIONS`: the JSON Schema of the `options` block under `data`.

A reader opens the file that it is given and nothing else: whether the path may be read, its
sha256, filters, samples and the suite's own settings are the business of the suites.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from medcheck.types import Case


class Read(Protocol):
    """What a suite asks of a reader."""

    def __call__(self, path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
        """Yield the cases of a file in file order, without holding the file in memory.

        `suite` and `grader` are empty strings and `copy` is 0: the suite fills them in.

        Raises:
            DatasetError: all errors of the file, a line each, at the latest after the last case.

        """
        ...
