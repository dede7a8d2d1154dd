"""SMART scopes: what a run asks an authorization server for, and no more."""

from b12fhir.fhir.capabilities import READ_TYPES
from b12fhir.fhir.told import WRITTEN

# Who signs is looked up.
_SIGNERS = ("Practitioner", "PractitionerRole")


def needed_scopes() -> str:
    """The scopes of reading, deciding, proposing and signing, with spaces between.

    Types that are read have ``rs`` (read, search), those that are written ``c`` and ``u`` as well.
    Profiles and Subscriptions are not among them: who installs those does it with rights of his
    own.
    """
    read = {*READ_TYPES, *WRITTEN, *_SIGNERS}
    return " ".join(f"system/{kind}.{'crus' if kind in WRITTEN else 'rs'}" for kind in sorted(read))
