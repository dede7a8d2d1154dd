"""The commands that hand out the FHIR artefacts: into a folder, or into a server."""

from argparse import Namespace
from pathlib import Path

import msgspec

from b12fhir.adapters.cli.doors import Doors
from b12fhir.errors import OK
from b12fhir.fhir.json import encode
from b12fhir.fhir.profiles import file_name
from b12fhir.ports import Resource

_SHOWN = 20


def protocol(args: Namespace, doors: Doors) -> int:
    """Write every artefact of the pack into a folder."""
    folder = doors.folder if args.out else doors.folder / "profiles"
    made = doors.artefacts()
    for artefact in made:
        path = Path(file_name(dict(artefact)))
        doors.write(folder / path.parent, path.name, [_json(artefact)])
    doors.out.lines([f"{folder}: {len(made)} FHIR artefacts. Nothing was sent anywhere."])
    return OK


def install_profiles(args: Namespace, doors: Doors) -> int:
    """Load every artefact of the pack into a server."""
    done = doors.install(args.dry_run)
    doors.out.lines(done.lines)
    doors.err.lines([f"b12fhir: {line}" for line in (*done.problems, *done.said)[:_SHOWN]])
    return done.code


def _json(artefact: Resource) -> bytes:
    return msgspec.json.format(encode(artefact), indent=2) + b"\n"
