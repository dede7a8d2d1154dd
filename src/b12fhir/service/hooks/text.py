"""Words of a card: one line of plain text, or a cell of a table that no record can break out of."""

import re
from collections.abc import Iterable
from datetime import date

from b12fhir.kernel.dates import When

SUMMARY = 139
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Control characters could break a line; bidirectional marks could reorder one.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
# HTML first: some clients render it. Then what GitHub's Markdown gives a meaning inside a cell.
_MEANING = {one: f"\\{one}" for one in "\\`*_[]|~$"}
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"} | _MEANING)
# Most cells hold nothing of the kind, which is seen at one look.
_SPECIAL = re.compile(r"[\\`*_\[\]|~$&<>@]")
# Bare addresses become links by themselves, also where every sign is escaped: a blank prevents it.
_ADDRESS = re.compile(r"://|\bwww\.|(?<=\S)@|mailto:|xmpp:", re.IGNORECASE)


def line(text: str) -> str:
    """Text from anywhere on one line, without anything that steers a screen."""
    # What is printable holds none of these, and no blank but the plain one; looking is far cheaper
    # than replacing.
    if text.isprintable():
        return " ".join(text.split()) if "  " in text else text.strip()
    return " ".join(_UNSAFE.sub(" ", text).split())


def cell(text: str) -> str:
    """Text from anywhere as it may stand in a table: no markup, no link, no second line."""
    told = line(text)
    if _SPECIAL.search(told) is None and not _may_hold_address(told):
        return told
    return _ADDRESS.sub(_apart, told).translate(_ESCAPED)


def _may_hold_address(told: str) -> bool:
    """Is there a colon without a blank behind it, or the beginning of a name in the web?"""
    colons = told.count(":") - told.endswith(":")
    return colons != told.count(": ") or "www." in told.lower()


def _apart(match: re.Match[str]) -> str:
    found = match[0]
    return f"{found[0]} {found[1:]}" if found == "://" else f"{found[:-1]} {found[-1]}"


def table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    """A table of two columns in GitHub's Markdown; a row without text is left out.

    The first column is ours and stands as it is.
    """
    shown = [row for row in rows if row[1]]
    # All at one look: what is plain side by side, with a blank between, is plain in each cell.
    beside = " ".join((head[1], *(text for _, text in shown)))
    escape = str if cell(beside) == beside else cell
    told = [f"| **{name}** | {escape(text)} |" for name, text in shown]
    top = f"| {head[0]} | {escape(head[1])} |"
    return "\n".join((top, "|---|---|", *told))


def fitting(candidates: Iterable[str]) -> str:
    """The first that fits a summary; nothing is ever cut, so the last must be short by itself."""
    return next(one for one in map(line, candidates) if len(one) <= SUMMARY)


def day_text(day: date) -> str:
    """A day that nobody can misread: "7 Nov 2026"."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def when_text(when: When | None) -> str:
    """A recorded day, or the span of days that it can mean; ``""`` if it is not known."""
    if when is None:
        return ""
    return day_text(when.first) if when.is_exact else when.iso().replace("/", " to ")


def listed(texts: Iterable[str], most: int) -> str:
    """Sentences one after the other; of more than ``most`` the first ones and how many follow."""
    told = list(dict.fromkeys([one for one in texts if one]))
    more = len(told) - most
    return " ".join((*told[:most], f"(And {more} more.)")) if more > 0 else " ".join(told)


def sentence(text: str) -> str:
    """Closed by a mark, so that the next one can follow."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
