"""`python -m app.embedded`: what `make run` runs."""

import sys

from app.embedded.run import main

if __name__ == "__main__":
    sys.exit(main())
