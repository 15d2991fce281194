"""`python -m quarterdeck.llm.scripted`: see `command`."""

import sys

from quarterdeck.llm.scripted.command import main

sys.exit(main())
