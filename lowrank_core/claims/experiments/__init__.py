"""Experiments that claims of several papers share: problems, starts, runs and what is read off them."""
