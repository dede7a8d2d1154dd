"""Fresh UUIDs for cards and suggestions: RFC 4122, version 4, all of chance.

Chance is drawn for many at once: to ask the system for it costs more than to make a UUID of it.
"""

import os

_MANY, _BYTES = 64, 16
# Version 4 in its place, and the variant of RFC 4122 in the two highest bits of its byte.
_VARIANTS = "89ab"
_left: list[str] = []
# A process that answers calls is forked from one that did not: the two must never share.
os.register_at_fork(after_in_child=_left.clear)


def fresh_uuid() -> str:
    """A UUID that nobody had before; callable from all threads."""
    try:
        return _left.pop()
    except IndexError:
        drawn = os.urandom(_MANY * _BYTES).hex()
        made = [_shaped(drawn[at : at + 2 * _BYTES]) for at in range(0, len(drawn), 2 * _BYTES)]
        one = made.pop()
        _left.extend(made)
        return one


def _shaped(digits: str) -> str:
    variant = _VARIANTS[int(digits[16], 16) % len(_VARIANTS)]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
