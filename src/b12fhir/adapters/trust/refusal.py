"""Why a call was refused, as a word for a counter: the caller hears none of it."""

from b12fhir.kernel.words import Word


class Refusal(Word):
    """One word a reason; `KEYS_DOWN` alone refuses nobody as long as older keys serve."""

    NO_TOKEN = "no-token"  # noqa: S105 - a word for a counter
    GARBAGE = "garbage"
    ALGORITHM = "algorithm"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    LIFETIME = "lifetime"
    NOT_YET = "not-yet"
    TENANT = "tenant"
    JKU = "jku"
    KEY = "key"
    SIGNATURE = "signature"
    REPLAY = "replay"
    KEYS_DOWN = "keys-down"


class RefusedError(Exception):
    """This token is refused; never leaves the gate."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason
