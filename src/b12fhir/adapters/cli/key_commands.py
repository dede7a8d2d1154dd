"""The command that makes our keys, and shows their public halves."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from pathlib import Path

from b12fhir.adapters.cli.doors import Doors
from b12fhir.errors import OK

SUMMARY = "make a key that proves who we are, or show the public half of keys"

EXAMPLE = """\
examples:
  b12fhir keys new --out smart.pem | tee jwks.json
  b12fhir keys new --alg RS384 --out smart.jwk
  b12fhir keys public smart.pem next.pem | tee jwks.json

For a FHIR server that gives tokens by SMART Backend Services. new writes a private key that only
its owner can read (PEM, or a JWK where the file is named .jwk or .json) and prints the public one
as a JWKS, which the server's operator registers. A file that is there is never overwritten. Name
the private key in B12FHIR_SMART_KEY_FILE. To change keys without a gap, publish the present and the
next one together (public), wait until the server has both, then change the setting."""


def options(parser: ArgumentParser) -> None:
    """Which key, and where it is."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = actions.add_parser("new", help="make a private key", allow_abbrev=False)
    new.add_argument(
        "--alg",
        choices=("ES384", "RS384"),
        default="ES384",
        help="what it signs with (default: ES384)",
    )
    # Not the setting `out`, which is a folder.
    new.add_argument("--out", dest="file", metavar="FILE", required=True, help="file to write")
    public = actions.add_parser("public", help="show public keys as a JWKS", allow_abbrev=False)
    public.add_argument("files", nargs="+", metavar="FILE", help="private keys, PEM or JWK")
    for action in (new, public):
        action.add_argument(
            "--config", metavar="FILE", default=SUPPRESS, help="TOML file of settings"
        )


def keys(args: Namespace, doors: Doors) -> int:
    """Carry out the action; what is printed is public."""
    if args.action == "new":
        doors.out.raw(doors.new_key(args.alg, Path(args.file)).decode())
        doors.err.lines([f"b12fhir: private key: {args.file}. Keep it; register what is printed."])
    else:
        doors.out.raw(doors.public_keys([Path(name) for name in args.files]).decode())
    return OK
