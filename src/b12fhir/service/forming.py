"""A server that is sent every transaction in the form it can take."""

from threading import Lock
from typing import Any

from b12fhir.fhir.formed import formed, is_device
from b12fhir.fhir.server_profile import Form, ServerProfile
from b12fhir.ports import FhirServer, Resource


class FormedWriter:
    """Writes to ``server`` in the form of its profile.

    Callers compose conditional creates and read the answer as if these had been sent: what was
    there already is answered with 200, what is new with 201. Safe to use from threads.
    """

    def __init__(self, server: FhirServer, profile: ServerProfile) -> None:
        self._server = server
        self._form = profile.form
        self._finds_device = profile.finds_device
        self._device = ""
        self._lock = Lock()

    def transaction(self, bundle: Resource) -> Resource:
        """Send it; raises what the server raises."""
        own = next((entry for entry in bundle["entry"] if is_device(entry)), None)
        if self._form is Form.CONDITIONAL or own is None:
            return self._server.transaction(formed(bundle, self._form))
        with self._lock:
            self._device = self._device or self._found(own)
        device = self._device
        sent = formed(bundle, self._form, device)
        answer = self._server.transaction(sent) if sent["entry"] else {}
        if device:
            return _with_device(bundle, answer, device)
        self._device = _place(answer)
        return answer

    def _found(self, own: dict[str, Any]) -> str:
        """Where our Device stands; the first of several, always the same one.

        Under ids of our own too: it may stand there from before, under an id of the server's.
        """
        if not self._finds_device:
            return ""
        one = own["resource"]["identifier"][0]
        wanted = {"identifier": f"{one['system']}|{one['value']}"}
        found = [r for r in self._server.search("Device", wanted) if r["resourceType"] == "Device"]
        return min((f"Device/{device['id']}" for device in found), default="")


def _with_device(bundle: Resource, answer: Resource, device: str) -> Resource:
    """The answer as if the Device that was left away had been found by its conditional create."""
    replies = iter(answer.get("entry", []))
    there = {"response": {"status": "200 OK", "location": device}}
    whole = [there if is_device(entry) else next(replies, {}) for entry in bundle["entry"]]
    return {**answer, "entry": whole}


def _place(answer: Resource) -> str:
    """Where the Device of a transaction was made, as far as the server says so."""
    places = (str(r.get("response", {}).get("location", "")) for r in answer.get("entry", []))
    plain = ("/".join(place.partition("/_history/")[0].split("/")[-2:]) for place in places)
    return next((place for place in plain if place.startswith("Device/")), "")
