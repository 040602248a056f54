"""Archives of cpio, and RPM packages: `python fuzz/fuzz_cpio.py -max_total_time=60`."""

from target import fuzz

from pitviper.unpack import cpio

fuzz(cpio.FORMATS)
