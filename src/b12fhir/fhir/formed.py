"""The same transaction in the form that a server can take.

Everything is composed as a conditional create: safe when sent twice, and when somebody else was
first. A server without that gets what is new under ids made from our identifiers, so that what is
written twice falls on itself; or, where it gives the ids itself, as a plain create after a look.
"""

from collections.abc import Mapping
from typing import Any

from b12fhir.fhir.extract.tree import items, obj
from b12fhir.fhir.links import relinked
from b12fhir.fhir.server_profile import Form
from b12fhir.ports import Resource

_URN = "urn:uuid:"


def formed(bundle: Resource, form: Form, device: str = "") -> dict[str, Any]:
    """The transaction in that form; entries of changes stay as they are.

    ``device`` is where our Device stands already (``Device/<id>``): a plain create of it is then
    left away, and what led to it leads there.
    """
    if form is Form.CONDITIONAL:
        return dict(bundle)
    entries = [entry for entry in bundle["entry"] if not (device and is_device(entry))]
    links = {e["fullUrl"]: device for e in bundle["entry"] if device and is_device(e)}
    if form is Form.NAMED:
        links |= {e["fullUrl"]: _address(e) for e in entries if _is_conditional(e)}
    change = _named if form is Form.NAMED else _plain
    return {
        **bundle,
        "entry": [
            relinked(change(entry) if _is_conditional(entry) else entry, links) for entry in entries
        ],
    }


def found_instead_of_created(bundle: Resource, answer: Resource) -> bool:
    """Was a part of it, our Device apart, there before its conditional create?"""
    return any(
        _is_conditional(entry)
        and not is_device(entry)
        and str(obj(reply.get("response")).get("status", "")).startswith("200")
        for entry, reply in zip(bundle["entry"], items(answer.get("entry")), strict=False)
    )


def is_device(entry: Mapping[str, Any]) -> bool:
    """Is it the entry of our Device?"""
    return bool(entry["resource"]["resourceType"] == "Device")


def _is_conditional(entry: Mapping[str, Any]) -> bool:
    return "ifNoneExist" in entry["request"]


def _address(entry: Mapping[str, Any]) -> str:
    """``Type/b12-<uuid>``: the uuid is that of the temporary address, the same on every run."""
    return f"{entry['resource']['resourceType']}/b12-{entry['fullUrl'].removeprefix(_URN)}"


def _named(entry: Mapping[str, Any]) -> dict[str, Any]:
    url = _address(entry)
    return {
        "fullUrl": entry["fullUrl"],
        "resource": {**entry["resource"], "id": url.partition("/")[2]},
        "request": {"method": "PUT", "url": url},
    }


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    request = {key: value for key, value in entry["request"].items() if key != "ifNoneExist"}
    return {**entry, "request": request}
