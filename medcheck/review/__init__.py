"""Judges under review by people: which points they are shown, and how far they agree.

`queue` chooses points of a run, `labels` reads what people wrote, `matching` finds the points that
they rated, `figures` counts agreement. The workbook is written by `writers.review`.
"""
