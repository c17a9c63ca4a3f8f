"""`python -m llmsweep`."""

import sys

from llmsweep.cli import main

sys.exit(main())
