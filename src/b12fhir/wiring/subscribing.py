"""`b12fhir subscriptions`: asking a server to tell of changes, or to stop."""

from b12fhir.adapters import cli
from b12fhir.adapters.subscriptions import PATH
from b12fhir.adapters.subscriptions.registration import Registered, Registrar
from b12fhir.errors import OK, PARTIAL, ConfigError
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.kernel.address import parse_address
from b12fhir.wiring.house import House
from b12fhir.wiring.saying import said


def subscriptions(house: House, asked: cli.Hearing) -> cli.Heard:
    """Install, remove or show them. Raises `ConfigError` or `ServerError`."""
    endpoint = asked.endpoint or f"{house.settings.base_url()}{PATH}"
    if asked.action == "install" and not asked.allow_http:
        _refuse_open(endpoint)
    with house.server() as server:
        can = read_capabilities(server.capabilities(), house.settings.server_can)
        done = _done(house, asked, Registrar(server, can, endpoint))
    code = OK if done.is_good else PARTIAL
    return cli.Heard(done.lines, said(done.refused, house.stderr), code)


def _done(house: House, asked: cli.Hearing, registrar: Registrar) -> Registered:
    if asked.action == "install":
        return registrar.install(house.settings.subscription_secret(), dry_run=asked.dry_run)
    if asked.action == "remove":
        return registrar.remove(dry_run=asked.dry_run)
    return registrar.show()


def _refuse_open(endpoint: str) -> None:
    if not parse_address(endpoint).is_private:
        raise ConfigError(
            f"The server would send the secret unencrypted to {endpoint}.",
            hint="Put a proxy with TLS before serve and name its https address, or give "
            "--allow-http.",
        )
