"""Unpacking: what lies in containers. `interface` says what a format is, `table` has them all, `walk` opens things.

Nothing is ever written to disk under a name that somebody else chose, and nothing that is found is run.
"""
