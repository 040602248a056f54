"""Compressed files, each as all kinds: `python fuzz/fuzz_compressed.py -max_total_time=60`."""

from target import fuzz

from pitviper.unpack import compressed

fuzz(compressed.FORMATS)
