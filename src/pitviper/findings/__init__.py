"""Findings: their fingerprint, what may be told of a secret, what was accepted, and how equal ones are grouped."""
