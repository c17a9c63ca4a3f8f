"""`python -m llmsweep.cli`."""

import sys

from llmsweep.cli import main

sys.exit(main())
