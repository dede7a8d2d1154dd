"""What was agreed with the operator of an authorization server."""

from dataclasses import dataclass

from b12fhir.adapters.smart.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Registration:
    """Our name there, the key it knows us by, and what we ask for.

    ``base`` is the FHIR server. ``scopes`` stand with spaces between. ``token_url`` is where tokens
    are issued, if the site knows better than the server says. ``jku`` is the address of our public
    keys, if one is registered.
    """

    base: str
    client_id: str
    key: SigningKey
    scopes: str
    token_url: str = ""
    jku: str = ""
