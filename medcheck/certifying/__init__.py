"""Measuring a judge: agreement with people, stability, canaries, bias, resistance to steering.

`measuring` asks a judge and signs what it found; the file and what it backs stand in
`certificates`. `sentinels` asks anew what was once frozen, `batching` compares one call for all
criteria with one call for each.
"""
