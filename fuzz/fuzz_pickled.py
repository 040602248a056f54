"""Pickles: `python fuzz/fuzz_pickled.py -max_total_time=60`."""

from target import fuzz

from pitviper.unpack import pickled

fuzz(pickled.FORMATS)
