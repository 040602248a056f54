"""Archives of ar: `python fuzz/fuzz_ar.py -max_total_time=60`."""

from target import fuzz

from pitviper.unpack import ar

fuzz([ar.FORMAT])
