"""How long, how accurate: escape times and exponents."""
