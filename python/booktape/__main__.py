"""`python -m booktape` is `booktape`."""

import sys

from booktape.cli import main

if __name__ == "__main__":
    sys.exit(main())
