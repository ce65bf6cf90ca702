"""`python3 -m localjuju` is the console script."""

import sys

from localjuju.cli import main

sys.exit(main())
