"""Shipped to users: a whole cluster in a test, on virtual time."""
