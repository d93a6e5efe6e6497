"""Claims of Jiang, Chen & Ding, "Algorithmic regularization in model-free overparametrized ..." (2022)."""
