"""Cards, silences and feedback as rows, and back.

What a client says is cut to length and made storable here: a book that cannot take one strange
character would lose the feedback of a whole call.
"""

import hashlib
from datetime import UTC
from typing import Any

import msgspec
from sqlalchemy import Row, and_, or_

from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED
from b12fhir.service.hooks.keeping import Answered, Heard, Held, Issued
from b12fhir.service.hooks.model import Grade, Hook, Indicator

# Characters of a text that others choose, and how many suggestions one answer can name.
KEY = 64
CODE = 200
ADDRESS = 300
COMMENT = 2000
_ACCEPTED = 50

_encode = msgspec.json.Encoder().encode
_read_grade = msgspec.json.Decoder(Grade).decode
_read_labels = msgspec.json.Decoder(dict[str, str]).decode
_read_ids = msgspec.json.Decoder(tuple[str, ...]).decode

# Columns of a feedback joined to its card, side by side: names that both have are told apart. The
# reader's own words stay in the store: they may name a patient, and nothing is decided by them.
JOINED = (
    *(
        column.label(f"feedback_{column.name}")
        for column in FEEDBACK.columns
        if column.name != "comment"
    ),
    *(column.label(f"issued_{column.name}") for column in ISSUED.columns),
)


# A card is answered by the client that got it; by any where that is not known.
ANSWERS = and_(
    ISSUED.c.uuid == FEEDBACK.c.card,
    or_(ISSUED.c.client == "", ISSUED.c.client == FEEDBACK.c.client),
)


def issued_row(one: Issued) -> dict[str, Any]:
    """A card as a row of `issued`."""
    return {
        "uuid": one.uuid,
        "at": one.at,
        "service": one.service,
        "hook": one.hook.value,
        "patient": one.patient,
        "reader": one.user,
        "card_key": one.key,
        "rule": one.rule,
        "indicator": one.indicator.value,
        "fingerprint": one.fingerprint,
        "grade": _encode(one.grade).decode(),
        "pack": one.pack,
        "rules": one.rules,
        "suggestions": _encode(one.suggestions).decode(),
        "client": storable(one.client, ADDRESS),
    }


def silence_row(one: Held) -> dict[str, Any]:
    """A card that was held back once as a row of `silence`."""
    why = one.silence
    return {
        "card": why.card,
        "service": one.service,
        "indicator": why.indicator.value,
        "reason": storable(why.reason, CODE),
        "until": why.until,
        "patient": one.patient,
        "reader": why.reader,
        "card_key": why.key,
        "rule": why.rule,
        "times": 1,
        "at": one.at,
        "last_at": one.at,
    }


def heard_row(one: Heard) -> dict[str, Any]:
    """An entry of feedback as a row of `feedback`; `entry` is the same when it is sent again."""
    said = {
        "card": storable(one.card, KEY),
        "service": storable(one.service, CODE),
        "outcome": storable(one.outcome, KEY),
        "accepted": _encode([storable(each, KEY) for each in one.accepted[:_ACCEPTED]]).decode(),
        "reason": storable(one.reason, CODE),
        "system": storable(one.system, ADDRESS),
        "comment": storable(one.comment, COMMENT),
    }
    client = storable(one.client, ADDRESS)
    # Without a client the digest is what it was before clients were kept: sent again, it is known.
    parts = [one.at.astimezone(UTC).isoformat(), *said.values(), *([client] if client else [])]
    entry = hashlib.sha256(_encode(parts)).hexdigest()
    more = {"entry": entry, "at": one.at, "received": one.received, "client": client}
    return said | more


def storable(text: str, most: int) -> str:
    """At most so many characters, and none that a database refuses: NUL, half a surrogate pair."""
    return text[:most].replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def answered_of(row: Row[Any]) -> Answered | None:
    """The feedback of a joined row with its card, without the reader's own words.

    ``None`` if the card is not known (yet), or was written by a version whose words we do not know:
    what cannot be read silences nothing.
    """
    if row.issued_uuid is None:
        return None
    try:
        return Answered(_issued_of(row), _heard_of(row))
    except (ValueError, msgspec.MsgspecError):
        return None


def _heard_of(row: Row[Any]) -> Heard:
    return Heard(
        card=row.feedback_card,
        service=row.feedback_service,
        outcome=row.feedback_outcome,
        at=row.feedback_at,
        received=row.feedback_received,
        accepted=_read_ids(row.feedback_accepted),
        reason=row.feedback_reason,
        system=row.feedback_system,
        client=row.feedback_client,
    )


def _issued_of(row: Row[Any]) -> Issued:
    return Issued(
        uuid=row.issued_uuid,
        at=row.issued_at,
        service=row.issued_service,
        hook=Hook(row.issued_hook),
        patient=row.issued_patient,
        user=row.issued_reader,
        key=row.issued_card_key,
        rule=row.issued_rule,
        indicator=Indicator(row.issued_indicator),
        fingerprint=row.issued_fingerprint,
        grade=_read_grade(row.issued_grade),
        pack=row.issued_pack,
        rules=row.issued_rules,
        suggestions=_read_labels(row.issued_suggestions),
        client=row.issued_client,
    )
