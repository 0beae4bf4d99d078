"""The contract of the writers' shelf: a run and its summary become a file.

Each module of this folder is one writer; its file name is its name (`medcheck export --to html`).
A writer computes no statistics, asks no model and reads no suite: all it may use is the run, as it
was stored, and the summary.

    write(run: Run, summary: Summary, path: Path) -> Path

A writer goes through `run.results` once, holds no more of them than one case needs, replaces the
file as a whole or not at all (`_files.replaced`), and returns the path that it wrote. Equal input
gives equal bytes. "Not measured" stays visible: a missing number is never written as 0. Texts of
models, judges and datasets are data in every format: never markup, a formula or a template.

Raises:
    WriterError: the file cannot be written.
"""
