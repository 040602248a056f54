"""Zip archives: `python fuzz/fuzz_zip.py -max_total_time=60`."""

from target import fuzz

from pitviper.unpack import zip_archive

fuzz([zip_archive.FORMAT])
