"""A server that keeps Subscriptions, for tests that must see what it is sent."""

from collections.abc import Iterator, Mapping
from typing import Any

from b12fhir.errors import RefusedError

CODES = ("read", "search-type", "create", "update", "delete")


def statement(*codes: str) -> dict[str, Any]:
    """A server with two types to be watched, which can do this with Subscriptions."""
    kinds = ("Observation", "Patient")
    rows = [{"type": kind, "interaction": [{"code": "search-type"}]} for kind in kinds]
    rows.append({"type": "Subscription", "interaction": [{"code": code} for code in codes]})
    return {"rest": [{"mode": "server", "resource": rows}]}


class Hub:
    """A server that keeps Subscriptions and makes them active after so many looks.

    ``refuses`` is criteria that it does not take: then nothing of the transaction is stored.
    """

    base = "https://ehr.example.org/fhir"

    def __init__(self, after: int = 1, refuses: str = "", becomes: str = "active") -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.sent: list[Mapping[str, Any]] = []
        self._after, self.refuses, self._becomes = after, refuses, becomes
        self._looks = 0

    def capabilities(self) -> Mapping[str, Any]:
        return statement(*CODES)

    def search(self, kind: str, _params: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        assert kind == "Subscription"
        if self._looks >= self._after:
            for one in self.held.values():
                if one["status"] == "requested":
                    one["status"] = self._becomes
        self._looks += 1
        return iter([dict(one) for one in self.held.values()])

    def transaction(self, bundle: Mapping[str, Any]) -> Mapping[str, Any]:
        self.sent.append(bundle)
        self._looks = 0
        asked = [entry.get("resource", {}).get("criteria") for entry in bundle["entry"]]
        if self.refuses in asked:
            raise RefusedError("no", status=422, detail="their words")
        for entry in bundle["entry"]:
            self._take(entry)
        return {}

    def _take(self, entry: Mapping[str, Any]) -> None:
        request, id_ = entry["request"], entry["request"]["url"].partition("/")[2]
        if request["method"] == "DELETE":
            del self.held[id_]
            return
        id_ = id_ or str(len(self.held) + 1)
        self.held[id_] = {**entry["resource"], "id": id_, "meta": {"versionId": "1"}}
