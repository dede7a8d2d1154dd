"""Plans that a server cannot take, as files: one for each patient, under the key of the plan."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from b12fhir.adapters.files.writing import write
from b12fhir.errors import ConfigError, InputError
from b12fhir.fhir.json import decode_resource, encode
from b12fhir.ports import Resource

_NAME = re.compile(r"(?P<patient>[0-9a-f]{16})-(?P<episode>e\d+)-(?P<revision>r\d+)\.json\Z")


class HandoverFolder:
    """A folder of transaction Bundles; only files with the name of a plan key are touched.

    The names tell nothing about the patient; the content does, so only the owner may read it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def waiting(self, patient: str) -> Mapping[str, Resource]:
        """The Bundles of a patient, by plan key; a file that cannot be read is as good as none."""
        found = {}
        for key, path in self._files(patient):
            try:
                found[key] = decode_resource(path.read_bytes(), where=path.name)
            except (InputError, OSError):
                found[key] = {}
        return found

    def keep(self, patient: str, plans: Mapping[str, Resource]) -> None:
        """Write what is new or says something else, and remove the patient's other files."""
        for key, path in self._files(patient):
            if key not in plans:
                _remove(path)
        held = self.waiting(patient)
        for key, bundle in plans.items():
            if key not in held or encode(held[key]) != encode(bundle):
                write(self._folder, f"{key.replace(':', '-')}.json", [encode(bundle), b"\n"])

    def _files(self, patient: str) -> Iterator[tuple[str, Path]]:
        for path in sorted(self._folder.glob(f"{patient}-*.json")):
            match = _NAME.match(path.name)
            if match:
                yield ":".join(match.groups()), path


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be removed ({error.strerror}): the plan in it is out of date."
        raise ConfigError(msg, hint="Remove it by hand; nobody must load it.") from None
