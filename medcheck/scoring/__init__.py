"""How ballots become verdicts and verdicts become a score; pure, no judge is asked here."""
