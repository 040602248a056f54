"""Secrets: what a match means where it stands. `judge` turns matches into findings."""
