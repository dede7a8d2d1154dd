"""Settings from options, variables and defaults."""

from collections.abc import Mapping

from b12fhir.config.settings import Settings
from b12fhir.config.table import PREFIX, SETTINGS, Setting
from b12fhir.errors import ConfigError


def load(environ: Mapping[str, str], options: Mapping[str, str | None]) -> Settings:
    """Settings from options, else variables, else defaults; an empty text counts as not given.

    Raises `ConfigError` naming the option or variable for a faulty value, and for an unknown
    ``B12FHIR_*`` variable, because a misspelt safety switch must not be ignored.
    """
    _refuse_unknown(environ)
    given = {}
    for setting in SETTINGS:
        text, source = _given(setting, environ, options)
        if text:
            given[setting.name] = _read(setting, text, source)
    return Settings(**given)  # type: ignore[arg-type]  # each reader returns its field's type


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {setting.variable for setting in SETTINGS}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            msg = f"{name} is no setting of b12fhir, so it would have no effect."
            raise ConfigError(msg, hint=f"Known: {', '.join(sorted(known))}.")


def _given(
    setting: Setting, environ: Mapping[str, str], options: Mapping[str, str | None]
) -> tuple[str, str]:
    option = options.get(setting.name)
    if option is not None:
        return option.strip(), setting.option
    return environ.get(setting.variable, "").strip(), setting.variable


def _read(setting: Setting, text: str, source: str) -> object:
    try:
        return setting.read(text)
    except ConfigError as error:
        msg = f"{source}: {error.message}"
        raise ConfigError(msg, hint=error.hint) from None
