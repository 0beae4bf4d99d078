"""Packs for MedBench's platform: read safely, checked, repaired, and put together.

A pack is a zip (or its folder) of one file of JSON lines for each set of a track. `pack` reads,
`rules` and `warnings` find what is wrong, `checking` applies them to a whole pack, `repair` does
the little that may be done to it, `rerun` names the rows to ask again, `answers` hands out the
answers, `scores` reads what the platform gave for them. No model is asked here.
"""
