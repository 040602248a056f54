"""The engine: one Vectorscan pass over the bytes, and Python only where it fires.

`prefilter` finds anchors, `matcher` confirms candidates with the rule's own pattern, `boundary` decides where a token
may begin and end, `text` recognises encodings, `parallel` spreads work over processes.
"""
