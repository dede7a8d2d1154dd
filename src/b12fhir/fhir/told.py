"""What a site says of its server, over what the server says of itself.

Statements are wrong in both directions: some name too much, many name too little. A site that knows
better writes ``careplan_write=no,if_match=yes``.
"""

from collections.abc import Mapping

from b12fhir.errors import ConfigError
from b12fhir.fhir.stored import KINDS

TRANSACTION = "transaction"
CONDITIONAL_CREATE = "conditional_create"
CLIENT_IDS = "client_ids"
IF_MATCH = "if_match"
CAREPLAN_WRITE = "careplan_write"
_WRITE = "write."
# What a run writes; a plan cannot be written without the first four.
CORE = ("CarePlan", "MedicationRequest", "ServiceRequest", "Device")
WRITTEN = (*CORE, *(kind for kind in KINDS if kind not in CORE), "Provenance")


def write_of(kind: str) -> str:
    """The name under which the writing of a type is known."""
    return f"{_WRITE}{kind}"


_ANSWERS = {"yes": True, "no": False}
_ALIAS = {CAREPLAN_WRITE: write_of("CarePlan")}
_NAMES = (TRANSACTION, CONDITIONAL_CREATE, CLIENT_IDS, IF_MATCH, *map(write_of, WRITTEN))


def read_told(text: str) -> Mapping[str, bool]:
    """Read ``name=yes`` and ``name=no``, parted by commas.

    Raises `ConfigError` for an unknown name or answer, and for one name with two answers.
    """
    told: dict[str, bool] = {}
    for part in text.split(","):
        name, _, word = (piece.strip() for piece in part.partition("="))
        known = _ALIAS.get(name, name)
        if known not in _NAMES:
            msg = f"{name[:40]!r} is nothing that a server is asked for."
            raise ConfigError(msg, hint=f"Known: {', '.join((CAREPLAN_WRITE, *_NAMES))}.")
        if word not in _ANSWERS:
            msg = f"{name} is neither yes nor no."
            raise ConfigError(msg, hint=f"Write {name}=yes or {name}=no.")
        if told.setdefault(known, _ANSWERS[word]) is not _ANSWERS[word]:
            msg = f"{known} is said to be both yes and no."
            raise ConfigError(msg, hint=f"Say it once; {CAREPLAN_WRITE} is write.CarePlan.")
    return told
