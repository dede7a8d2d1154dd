"""JSON in and out: exact decimals, no silent repair, one error for everything unreadable.

What plain parsers let through, and what happens here: ``NaN`` and ``Infinity`` are refused;
``1e999`` stays an exact decimal for the plausibility check; a key given twice is refused (the
second value could hide from a check of the first); nesting too deep for the parser, integers
beyond 19 digits of exponent, lone surrogates and bytes that are not UTF-8 are refused; a byte
order mark is dropped. Numbers with a fraction or an exponent become `Decimal`, never a float.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from b12fhir.errors import Defect, InputError

_BOM = b"\xef\xbb\xbf"
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="sorted")
# As often is a letter looked for one by one, before a text is searched as a whole.
_FEW = 40
_HINT = "Nothing of it was used. Send it again as one complete UTF-8 JSON value."


def decode(data: bytes | str, *, where: str = "input", unique: bool = True) -> Any:
    """Read one JSON value.

    ``where`` names the file, line or address in the error. ``unique=False`` skips the search for
    keys given twice (the last one then wins): only for bulk lines, where it costs half the speed.
    """
    raw = _as_bytes(data, where)
    try:
        value = _DECODER.decode(raw)
    except msgspec.DecodeError as problem:
        raise _unreadable(where, str(problem)) from None
    except UnicodeDecodeError as problem:
        raise _unreadable(where, f"not UTF-8 at byte {problem.start}") from None
    except RecursionError:
        raise _unreadable(where, "nested too deeply") from None
    except ArithmeticError:
        raise _unreadable(where, "a number with an absurd exponent") from None
    if unique:
        _refuse_duplicates(raw, value, where)
    return value


def decode_resource(
    data: bytes | str, *, where: str = "input", unique: bool = True
) -> dict[str, Any]:
    """Read one FHIR resource: a JSON object with a ``resourceType``."""
    value = decode(data, where=where, unique=unique)
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        message = f"{where}: JSON, but no FHIR resource (no resourceType)."
        raise InputError(message, hint="Give a FHIR resource or a Bundle.")
    return value


def encode(value: Any) -> bytes:
    """Compact JSON in the order of the keys; decimals as numbers, digit for digit."""
    return _finite(_ENCODER.encode(value), value)


def canonical(value: Any) -> bytes:
    """The one form a digest is taken of: compact, keys sorted at every level."""
    return _finite(_CANONICAL.encode(value), value)


def _as_bytes(data: bytes | str, where: str) -> bytes:
    try:
        raw = data.encode() if isinstance(data, str) else bytes(data)
    except UnicodeEncodeError as problem:
        raise _unreadable(where, f"a lone surrogate at character {problem.start}") from None
    return raw.removeprefix(_BOM)


def _unreadable(where: str, problem: str) -> InputError:
    return InputError(f"{where}: not readable as JSON ({problem}).", hint=_HINT)


def _refuse_duplicates(raw: bytes, value: Any, where: str) -> None:
    """Cheap first: what goes out as it came in lost no key; only at last parse slowly."""
    try:
        again = _ENCODER.encode(value)
        # A key that was dropped would have taken its quotation marks along.
        if again == raw or raw.count(b'"') == again.count(b'"'):
            return
        json.loads(raw, object_pairs_hook=_unique_keys, parse_int=str, parse_float=str)
    except _DuplicateKeyError as problem:
        raise _unreadable(where, f"the key {problem.key!r} is given twice") from None
    except RecursionError:
        raise _unreadable(where, "nested too deeply") from None


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key[:40]


def _unique_keys(pairs: Iterable[tuple[str, Any]]) -> None:
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise _DuplicateKeyError(key)
        seen.add(key)


def _finite(encoded: bytes, value: Any) -> bytes:
    """A Decimal that is no number would be written as ``NaN``: our own mistake, never sent."""
    if (_has_nan(encoded) or b"Infinity" in encoded) and not _all_finite(value):
        message = "A number that is not finite was about to be written as JSON."
        raise Defect(message)
    return encoded


def _has_nan(encoded: bytes) -> bool:
    """Is ``NaN`` in it? Its first letter is rare in most texts, and found many times as fast."""
    place = encoded.find(b"N")
    for _ in range(_FEW):
        if place < 0:
            return False
        if encoded[place + 1 : place + 3] == b"aN":
            return True
        place = encoded.find(b"N", place + 1)
    return b"NaN" in encoded


def _all_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_all_finite(part) for part in value.values())
    if isinstance(value, list | tuple):
        return all(_all_finite(part) for part in value)
    return not isinstance(value, Decimal) or value.is_finite()
