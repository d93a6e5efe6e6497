"""How many seeds a claim takes at each scale, unless it has reasons of its own."""

SEEDS = {"smoke": 3, "book": 8, "full": 40}
LOG_SEEDS = {"smoke": 3, "book": 20, "full": 60}
"""Of claims that the discrepancy log rests on."""
