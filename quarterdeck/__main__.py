"""`python -m quarterdeck`."""

import sys

from quarterdeck import main

sys.exit(main())
