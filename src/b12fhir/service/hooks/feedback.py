"""Feedback as a client sends it: read strictly where it counts, tolerantly elsewhere.

An entry that is not understood refuses the whole message: a client that is told so can send it
again, while an override that was lost would let a card come back for ever.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from b12fhir.errors import CallError
from b12fhir.service.hooks.keeping import ACCEPTED, OVERRIDDEN, Heard

MOST_ENTRIES = 1000
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)
_MOST_CODE = 200


def read_feedback(
    service: str, body: object, received: datetime, client: str = ""
) -> tuple[Heard, ...]:
    """The entries of a message of ``client`` to ``service``, in its order; ``received`` is now.

    Raises `CallError` naming the member for anything that cannot be joined to a card or counted.
    """
    entries = body.get("feedback") if isinstance(body, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise CallError("feedback is not an array with entries.", where="feedback")
    if len(entries) > MOST_ENTRIES:
        raise CallError(
            f"feedback has more than {MOST_ENTRIES} entries.",
            hint="Nothing was kept. Send it in parts.",
            where="feedback",
        )
    return tuple(
        _heard(service, entry, received, client, f"feedback[{place}]")
        for place, entry in enumerate(entries)
    )


def _heard(service: str, entry: object, received: datetime, client: str, where: str) -> Heard:
    if not isinstance(entry, Mapping):
        raise CallError("An entry of feedback is not an object.", where=where)
    outcome = entry.get("outcome")
    if outcome not in (ACCEPTED, OVERRIDDEN):
        raise CallError(
            "The outcome is neither accepted nor overridden.",
            hint="What was ignored is not sent.",
            where=f"{where}.outcome",
        )
    code, system, comment = _reason(entry, where) if outcome == OVERRIDDEN else ("", "", "")
    return Heard(
        card=_uuid(entry.get("card"), f"{where}.card"),
        service=service,
        outcome=outcome,
        at=_moment(entry.get("outcomeTimestamp"), f"{where}.outcomeTimestamp"),
        received=received,
        accepted=_accepted(entry, where) if outcome == ACCEPTED else (),
        reason=code,
        system=system,
        comment=comment,
        client=client,
    )


def _accepted(entry: Mapping[str, Any], where: str) -> tuple[str, ...]:
    where = f"{where}.acceptedSuggestions"
    rows = entry.get("acceptedSuggestions")
    if not isinstance(rows, list) or not rows:
        raise CallError("An accepted card names no suggestion that was accepted.", where=where)
    ids = (row.get("id") if isinstance(row, Mapping) else None for row in rows)
    return tuple(_uuid(id_, f"{where}[{place}].id") for place, id_ in enumerate(ids))


def _reason(entry: Mapping[str, Any], where: str) -> tuple[str, str, str]:
    """Code, system and comment of an override; all empty where no reason was given."""
    where = f"{where}.overrideReason"
    given = entry.get("overrideReason")
    if given is None:
        return "", "", ""
    if not isinstance(given, Mapping) or not {"reason", "userComment"} & given.keys():
        raise CallError("overrideReason has neither reason nor userComment.", where=where)
    code = system = ""
    if given.get("reason") is not None:
        code, system = _coding(given["reason"], f"{where}.reason")
    comment = given.get("userComment")
    if comment is not None and not isinstance(comment, str):
        raise CallError("userComment is not a text.", where=f"{where}.userComment")
    # PostgreSQL keeps no NUL in a text.
    return code, system, (comment or "").replace("\0", "")


def _coding(reason: object, where: str) -> tuple[str, str]:
    if not isinstance(reason, Mapping):
        raise CallError("The reason is not a Coding.", where=where)
    parts = {name: reason.get(name) for name in ("code", "system")}
    for name, part in parts.items():
        if not isinstance(part, str) or not 0 < len(part) <= _MOST_CODE or not part.isprintable():
            raise CallError(f"The reason has no {name}.", where=f"{where}.{name}")
    return str(parts["code"]), str(parts["system"])


def _uuid(value: object, where: str) -> str:
    if not isinstance(value, str) or not _UUID.match(value):
        raise CallError(
            "This is not the uuid of a card or suggestion.",
            hint="Send the uuid as it came with the card.",
            where=where,
        )
    return value.lower()


def _moment(value: object, where: str) -> datetime:
    if isinstance(value, str) and _MOMENT.match(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise CallError(
        "This is not a moment with a zone.",
        hint="Write it like 2026-11-21T09:00:00Z.",
        where=where,
    )
