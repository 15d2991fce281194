"""Bytes of a file as text and back, so that an edit keeps encoding, byte order mark and line ends. Pure."""

import codecs
from typing import Literal

import msgspec

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SNIFFED = 8_192

Eol = Literal["\n", "\r\n"]


class TextFile(msgspec.Struct, frozen=True):
    """A text file. `text` has its own line ends; bytes that are no UTF-8 are lone surrogates in it."""

    text: str
    encoding: str = "utf-8"
    bom: bytes = b""

    @property
    def eol(self) -> Eol:
        """The line end that most lines have."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"

    @property
    def shown(self) -> str:
        """For people and models: line ends as newline, bytes that are no text as U+FFFD."""
        lines = self.text.replace("\r\n", "\n")
        return lines.encode("utf-8", "replace").decode("utf-8") if not lines.isascii() else lines

    @property
    def traits(self) -> tuple[str, ...]:
        """What is out of the ordinary: `CRLF line ends`, `UTF-16`, `invalid UTF-8`."""
        found = []
        if self.encoding != "utf-8":
            found.append(self.encoding.upper().replace("-LE", "").replace("-BE", ""))
        if self.eol == "\r\n":
            found.append("CRLF line ends")
        if not _is_valid(self.text):
            found.append("invalid bytes, shown as �")
        return tuple(found)


def decode(content: bytes) -> TextFile | None:
    """The text of a file, or None when it is binary."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return _decode_marked(content, bom, encoding)
    if b"\0" in content[:_SNIFFED]:
        return None
    return TextFile(text=content.decode("utf-8", "surrogateescape"))


def encode(file: TextFile) -> bytes:
    """The bytes again; `encode(decode(b)) == b`."""
    errors = "surrogateescape" if file.encoding == "utf-8" else "strict"
    return file.bom + file.text.encode(file.encoding, errors)


def with_eol(text: str, eol: Eol) -> str:
    """The text with every line end as `eol`."""
    lines = text.replace("\r\n", "\n")
    return lines.replace("\n", "\r\n") if eol == "\r\n" else lines


def _decode_marked(content: bytes, bom: bytes, encoding: str) -> TextFile | None:
    errors = "surrogateescape" if encoding == "utf-8" else "strict"
    try:
        text = content[len(bom) :].decode(encoding, errors)
    except UnicodeDecodeError:
        return None
    return TextFile(text=text, encoding=encoding, bom=bom)


def _is_valid(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
