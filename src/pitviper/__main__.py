"""`python -m pitviper`: the command, for those who have more than one Python."""

import os
import sys

# `python -m` puts the working directory in front of the path. It may be the hostile folder that is about to be scanned,
# with a click.py in it.
if sys.path and not sys.flags.safe_path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

from pitviper.cli import main

if __name__ == "__main__":
    main()
