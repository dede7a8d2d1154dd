"""Settings that are right each by itself and wrong together."""

from collections.abc import Iterator

from b12fhir.config.settings import SITE_KEY, Settings
from b12fhir.errors import ConfigError
from b12fhir.kernel.address import parse_address

_SMART = ("smart_client_id", "smart_key_file")
_WITH_SMART = ("smart_next_key_file", "smart_token_url", "smart_scopes", "smart_jku")


def conflicts(settings: Settings) -> Iterator[ConfigError]:
    """What keeps us from knowing how to prove to the FHIR server who we are, by name.

    A setting that would have no effect is one: whoever wrote it believes that it has.
    """
    given = [name for name in _SMART if getattr(settings, name)]
    if given and settings.token_file:
        yield ConfigError(
            f"token_file and {given[0]}: a FHIR server is shown one token, not two.",
            hint="Keep the token file, or the client with its key.",
        )
    if len(given) == 1:
        (missing,) = set(_SMART) - set(given)
        yield ConfigError(
            f"{given[0]} is set without {missing}: nobody could prove who we are.",
            hint="Set both, or neither.",
        )
    for name in _WITH_SMART:
        if getattr(settings, name) and not given:
            hint = "Set smart_client_id and smart_key_file, or leave it away."
            yield ConfigError(f"{name} has no effect without a client and its key.", hint=hint)
    if settings.tls_key and not settings.tls_cert:
        yield ConfigError("tls_key is set without tls_cert.", hint="Set both, or neither.")
    if settings.site_key_file and settings.site_key != SITE_KEY:
        yield ConfigError(
            "site_key and site_key_file: a patient has one pseudonym, not two.",
            hint="Keep the one that plans were written with.",
        )
    yield from _unencrypted(settings, given)


def _unencrypted(settings: Settings, given: list[str]) -> Iterator[ConfigError]:
    if not settings.server:
        return
    address = parse_address(settings.server)
    if given and not address.is_private:
        yield ConfigError(
            f"{given[0]}: the token would travel unencrypted to {address.base}.",
            hint="Use the https address.",
        )
    tls = [name for name in ("tls_cert", "tls_ca") if getattr(settings, name)]
    if tls and not settings.smart_client_id and address.origin[0] == "http":
        yield ConfigError(
            f"{tls[0]} has no effect: {address.base} is not https.", hint="Use the https address."
        )
