"""What is said where the extra `server` is not installed, by whoever needs something of it."""

from b12fhir.errors import ConfigError

INSTALL = "Install it with: pip install 'b12fhir[server]'"


def not_installed(error: ModuleNotFoundError, so: str) -> ConfigError:
    """The error of the settings in its place; ``so`` says what cannot be done without it."""
    return ConfigError(f"{error.name} is not installed, so {so}.", hint=INSTALL)
