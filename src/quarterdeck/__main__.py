"""`quarterdeck` and `qd`: from the command line to an exit code."""

import sys

from quarterdeck.cli.main import run


def main() -> None:
    """The console scripts' entry point."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
