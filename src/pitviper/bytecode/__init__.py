"""Compiled Python: read, evaluated as far as it can be without running it, and rendered as lines of source."""
