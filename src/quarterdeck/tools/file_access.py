"""What the file tools share: reading for a change, nothing overwritten unseen, the subject."""

from quarterdeck.tools.ports import FileBytesLike, PlaceLike, ToolContext, ToolRefused
from quarterdeck.tools.read_marks import Mark, is_same, mark_of_bytes
from quarterdeck.tools.text_file import TextFile, decode
from quarterdeck.tools.tool import Subject, words_of

MOST_CHANGED = 10_000_000
"""Bytes of a file that write and edit still replace."""


def mark_of(file: FileBytesLike) -> Mark:
    """What a run remembers of a file."""
    return mark_of_bytes(file.content, mtime_ns=file.mtime_ns, size=file.size, is_whole=file.is_whole)


def read_file(place: PlaceLike, context: ToolContext, limit: int) -> FileBytesLike:
    """The bytes of a file. :raises ToolRefused: there is none, or it is no file."""
    try:
        return context.workspace.read_bytes(place.real, limit, outside=place.outside)
    except FileNotFoundError as fault:
        raise ToolRefused(f"There is no file {place.shown}.") from fault
    except OSError as fault:
        raise ToolRefused(words_of(fault)) from fault


def read_for_change(place: PlaceLike, context: ToolContext) -> tuple[FileBytesLike, TextFile]:
    """A file about to be changed. :raises ToolRefused: not read by this run, changed since, binary."""
    file = read_file(place, context, MOST_CHANGED)
    mark = context.reads.mark_of(place.real)
    if mark is None:
        raise ToolRefused(f"Read {place.shown} first: it exists and this run has not seen it.")
    if not file.is_whole:
        raise ToolRefused(
            f"{place.shown} has {file.size:,} bytes; more than {MOST_CHANGED:,} are not changed."
        )
    if not is_same(mark, mark_of(file)):
        raise ToolRefused(f"{place.shown} changed since it was read; nothing was written. Read it again.")
    text = decode(file.content)
    if text is None:
        raise ToolRefused(f"{place.shown} is binary ({file.size:,} bytes); it is not changed as text.")
    return file, text


def write_file(place: PlaceLike, content: bytes, old: FileBytesLike | None, context: ToolContext) -> None:
    """Replace or make the file, and remember it as seen. :raises ToolRefused: it was not written."""
    try:
        written = context.workspace.write_atomic(
            place.real,
            content,
            expected=old.stamp if old else None,
            may_write=lambda: not context.is_revoked(),
            outside=place.outside,
        )
    except OSError as fault:
        raise ToolRefused(words_of(fault)) from fault
    context.reads.note(place.real, mark_of(written))


def change_subject(place: PlaceLike, context: ToolContext, preview: str) -> Subject:
    """What write and edit touch: one rule for both, by the path."""
    return Subject(
        text=place.shown,
        rule=f"Edit({place.shown})",
        folder=context.workspace.root,
        preview=preview,
        outside=place.outside,
        real_path=place.real,
        edits_files=True,
    )


def look_subject(place: PlaceLike, context: ToolContext) -> Subject:
    """What read, list, glob and grep touch."""
    return Subject(
        text=place.shown,
        rule=f"Read({place.shown})",
        folder=context.workspace.root,
        outside=place.outside,
        real_path=place.real,
    )
