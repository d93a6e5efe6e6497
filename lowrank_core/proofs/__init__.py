"""What one proves by machine: symbolic identities, exact rationals and rigorous enclosures."""
