"""Settings from options, variables, the file and defaults."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from b12fhir.config.conflicts import conflicts
from b12fhir.config.row import PREFIX, Setting
from b12fhir.config.settings import Settings
from b12fhir.config.table import SETTINGS
from b12fhir.config.tomlfile import Told, read_file
from b12fhir.errors import ConfigError

_CONFIG = "config"


def load(environ: Mapping[str, str], options: Mapping[str, str | None]) -> Settings:
    """Settings from options, else variables, else the file, else defaults.

    An empty text counts as not given. Raises `ConfigError` that names every faulty value by its
    option, variable, or file and key; an unknown ``B12FHIR_*`` variable or key of the file is one,
    because a misspelt safety switch must not be ignored. What does not go together is named then.
    """
    problems = _unknown(environ)
    path = options.get(_CONFIG) or environ.get(f"{PREFIX}{_CONFIG.upper()}", "").strip()
    told = read_file(Path(path)) if path else Told()
    problems += told.problems
    given: dict[str, object] = {"client": told.clients}
    for setting in (row for row in SETTINGS if not row.table):
        text, source = _given(setting, environ, options, told, path)
        if text:
            try:
                given[setting.name] = setting.read(text)
            except ConfigError as error:
                problems.append(ConfigError(f"{source}: {error.message}", hint=error.hint))
    if problems:
        raise _together(problems)
    settings = Settings(**given)  # type: ignore[arg-type]  # each reader returns its field's type
    if together := list(conflicts(settings)):
        raise _together(together)
    return settings


def _unknown(environ: Mapping[str, str]) -> list[ConfigError]:
    known = {setting.variable for setting in SETTINGS if not setting.table}
    return [
        ConfigError(
            f"{name} is no setting of b12fhir, so it would have no effect.",
            hint=f"Known: {', '.join(sorted(known))}.",
        )
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]


def _given(
    setting: Setting,
    environ: Mapping[str, str],
    options: Mapping[str, str | None],
    told: Told,
    path: str,
) -> tuple[str, str]:
    """The text of a setting, and where it stands."""
    option = options.get(setting.name)
    if option is not None:
        return option.strip(), setting.option
    if text := environ.get(setting.variable, "").strip():
        return text, setting.variable
    return told.texts.get(setting.name, ""), f"{path}: {setting.name}"


def _together(problems: Sequence[ConfigError]) -> ConfigError:
    """One error of all, so that a site mends its settings in one go."""
    if len(problems) == 1:
        return problems[0]
    all_of_them = " ".join(f"({n}) {problem}" for n, problem in enumerate(problems, 1))
    return ConfigError(f"{len(problems)} settings are wrong: {all_of_them}")
