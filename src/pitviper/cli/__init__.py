"""The command line: options in, exit code out. It decides nothing that the library does not."""
