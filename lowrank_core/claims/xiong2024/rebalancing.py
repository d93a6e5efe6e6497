"""One rebalancing step removes the dependence on the start scale."""
