"""Checklists and prompts made better against people's ratings, in rounds that can be checked.

`samples` draws and locks who is learned from and who is held out, `disagreements` shows what went
wrong, `versions` keeps what was changed, `proposing` asks a model for a change, `judging` measures
a version, `rounds` decides what is kept and when to stop, `journal` remembers, `loop` puts a folder
together, `told` writes it for people.

Source: llmeval_med.md section 6 (the paper names the loop; sizes and rules are our own).
"""
