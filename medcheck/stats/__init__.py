"""Numbers from case scores: plain sequences in, plain numbers out."""
