"""The parsers of the commands that read what is stored: sessions, ps, trace."""

import argparse

from quarterdeck.cli.parser import OneLineParser

MOST_HITS = 1_000


def sessions_parser() -> OneLineParser:
    """`quarterdeck sessions …`."""
    parser = OneLineParser(
        prog="quarterdeck sessions",
        description="Stored sessions: what was said and done in them.",
        epilog="An ID may be cut short, as long as it is the only one that begins so.",
    )
    ways = parser.add_subparsers(dest="way", required=True, metavar="list|show|search|export|delete")
    _add_json(ways.add_parser("list", help="all sessions, the newest first"))
    show = ways.add_parser("show", help="its runs and requests; with --json its messages too")
    show.add_argument("session", metavar="ID")
    _add_json(show)
    search = ways.add_parser("search", help="where all the words were said, newest first")
    search.add_argument("words", nargs="+", metavar="WORDS", help="the last one may be a beginning")
    search.add_argument("--limit", type=_limit, default=50, help="most places to show (50)")
    _add_json(search)
    export = ways.add_parser("export", help="every fact as one JSON object per line")
    export.add_argument("session", metavar="ID")
    delete = ways.add_parser("delete", help="remove a session that no process has open, for good")
    delete.add_argument("session", metavar="ID")
    return parser


def ps_parser() -> OneLineParser:
    """`quarterdeck ps`."""
    parser = OneLineParser(
        prog="quarterdeck ps",
        description="The runs of every live session: what each does, and what it waits for.",
    )
    parser.add_argument("--all", action="store_true", help="stored sessions and archived runs too")
    _add_json(parser)
    return parser


def trace_parser() -> OneLineParser:
    """`quarterdeck trace`."""
    parser = OneLineParser(
        prog="quarterdeck trace",
        description="A session as a trace for Chrome (chrome://tracing) and Perfetto (ui.perfetto.dev).",
    )
    parser.add_argument("session", metavar="SESSION", help="its id, or the beginning of it")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="where to write it; - is standard output"
    )
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object, of a documented form")


def _limit(word: str) -> int:
    try:
        limit = int(word)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(f"{word!r} is no number") from fault
    if not 1 <= limit <= MOST_HITS:
        raise argparse.ArgumentTypeError(f"1 to {MOST_HITS}")
    return limit
