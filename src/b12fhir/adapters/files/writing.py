"""Files of results: written whole or not at all, readable by their owner only."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from b12fhir.errors import ConfigError


def write(folder: Path, name: str, parts: Iterable[bytes]) -> Path:
    """Write one file into ``folder``, which is made if need be; a half-written one never shows.

    Results hold clinical data, so nobody but the owner may read them.
    """
    target = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.writelines(parts)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        msg = f"{target} cannot be written ({error.strerror})."
        raise ConfigError(msg, hint="Choose another folder with --out.") from None
    return target
