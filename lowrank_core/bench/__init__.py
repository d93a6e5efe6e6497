"""Speed against what one would write otherwise and what this machine can do: `python -m lowrank_core bench`."""
