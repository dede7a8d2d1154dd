"""All that decides beside the record: when it changes, every patient is read again."""

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass

from b12fhir import __version__
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.site import Site
from b12fhir.protocol.fingerprint import fingerprint as of_pack
from b12fhir.protocol.model import Protocol

_DIGITS = 32
_NOBODY = "Patient/nobody"


def fingerprint(protocol: Protocol, site: Site, can: Capabilities, more: str = "") -> str:
    """Program, pack, numbers in force, site, and what the server can take, in one short text.

    A new number may come into force by its date alone. The key of the site goes in by an identifier
    made with it, as it stands in every plan, never itself. ``more`` is whatever else decides.
    """
    parts = (
        __version__,
        of_pack(protocol.pack.id),
        protocol.limits,
        patient_key(_NOBODY, site),
        site.canonical,
        str(site.zone),
        site.code_map,
        site.drugs,
        site.approver,
        site.approve_days,
        can.told,
        can.without,
        can.provenance,
        more,
    )
    return hashlib.sha256(_text(parts).encode()).hexdigest()[:_DIGITS]


def _text(value: object) -> str:
    """A value as one text that is the same in every process, whatever the order of its sets."""
    if is_dataclass(value) and not isinstance(value, type):
        inner = [f"{one.name}={_text(getattr(value, one.name))}" for one in fields(value)]
    elif isinstance(value, Mapping):
        inner = sorted(f"{_text(key)}:{_text(held)}" for key, held in value.items())
    elif isinstance(value, AbstractSet):
        inner = sorted(map(_text, value))
    elif isinstance(value, tuple):
        inner = [_text(one) for one in value]
    else:
        return repr(value)
    return f"({','.join(inner)})"
