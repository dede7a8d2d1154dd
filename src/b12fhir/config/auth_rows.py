"""The settings by which a FHIR server knows who we are, and we know the server."""

from pathlib import Path

from b12fhir.config import readers
from b12fhir.config.row import Setting

AUTH_ROWS: tuple[Setting, ...] = (
    Setting(
        "token_file",
        "--token-file",
        "none",
        "File that holds a bearer token. The token itself is never an option or a variable, "
        "because other users can see those. Refused with plain http, except to this machine.",
        Path,
    ),
    Setting(
        "smart_client_id",
        "",
        "none",
        "Name under which the FHIR server's authorization server knows this program. With "
        "`smart_key_file`, tokens are asked for by SMART Backend Services, in place of a token "
        "file.",
        readers.token,
    ),
    Setting(
        "smart_key_file",
        "",
        "none",
        "File of the private key that proves it: PEM or JWK, EC P-384 or RSA; `b12fhir keys new` "
        "makes one. Refused where every user can read it.",
        Path,
    ),
    Setting(
        "smart_next_key_file",
        "",
        "none",
        "File of the private key that will follow. `serve` publishes the public half of both at "
        "`/.well-known/jwks.json`, so that keys can be changed without a gap.",
        Path,
    ),
    Setting(
        "smart_token_url",
        "",
        "what the server says",
        "Address at which tokens are issued, for servers that do not name it in their "
        "smart-configuration or CapabilityStatement.",
        readers.secret_address,
    ),
    Setting(
        "smart_scopes",
        "",
        "what a run needs",
        "Scopes to ask for, with spaces between. By default `rs` of each type that is read and "
        "`crus` of each that is written; `b12fhir doctor` lists them.",
        readers.scopes,
    ),
    Setting(
        "smart_jku",
        "",
        "none",
        "Address of our public keys (JWKS), if one is registered.",
        readers.secret_address,
    ),
    Setting(
        "tls_ca",
        "",
        "those of the system",
        "PEM file of the authorities that may vouch for the FHIR server and its token endpoint, in "
        "place of the usual ones. There is no way to trust just anybody.",
        Path,
    ),
    Setting(
        "tls_cert",
        "",
        "none",
        "PEM file of the certificate that is shown to a FHIR server or token endpoint which asks "
        "for one (mutual TLS).",
        Path,
    ),
    Setting(
        "tls_key",
        "",
        "in `tls_cert`",
        "PEM file of that certificate's private key, without a password.",
        Path,
    ),
)
