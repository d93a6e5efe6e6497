"""Conservation, closed forms and local rates of asymmetric gradient descent, checked by machine."""
