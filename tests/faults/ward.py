"""A ward: a server of its own with patients of the cohort, `b12fhir` run on it, and its end.

Two wards of the same name-less content are equal but for ids, keys and stamps; `Ward.end` leaves
those out, so that a run that was disturbed can be compared with one that was not.
"""

import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from b12fhir import demo, wiring
from b12fhir.fhir.identity import CONTENT_DIGEST, DECISION_DIGEST, TREATMENT_DIGEST, patient_key
from b12fhir.fhir.site import Site

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from b12fhir.wiring import run; run()"]
BEFORE, DAY = "2026-11-21", "2026-11-30"
# The moment of signatures: the same in every ward.
MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANSWER_S = 120
SITE = Site(server_id="ward", site_key="faults")
KINDS = (
    "Patient",
    "Observation",
    "CarePlan",
    "MedicationRequest",
    "ServiceRequest",
    "Goal",
    "RiskAssessment",
    "DetectedIssue",
    "Task",
    "Device",
)
_DIGESTS = {SITE.system(name) for name in (CONTENT_DIGEST, DECISION_DIGEST, TREATMENT_DIGEST)}

# What a Provenance says beside its targets, and those.
Account = tuple[str, frozenset[str]]
# Every resource by its identity, and how often each Provenance is said.
End = tuple[dict[str, Any], Counter[Account]]


@dataclass
class Run:
    """What came of one command."""

    code: int
    out: str
    err: str

    @property
    def written(self) -> int:
        """How many resources it says that it wrote."""
        return int(re.search(r"Resources written: (\d+)", self.out)[1])  # type: ignore[index]


@dataclass
class Ward:
    """``base`` is the server itself; a run may be given the address of a proxy instead."""

    base: str
    folder: Path
    name: str
    settings: dict[str, str] = field(default_factory=dict)
    clock: Any = lambda: MOMENT

    # -- what others do on the server

    def admit(self, *numbers: str) -> None:
        """Bring patients of the cohort, and whom a plan can be signed for."""
        doctor = {"resourceType": "Practitioner", "id": f"{self.name}-dr", "active": True}
        self.put(doctor, *self.records("med", *numbers))

    def records(self, *numbers: str) -> Iterator[dict[str, Any]]:
        """The records of some patients of the cohort, under ids of this ward."""
        wanted = re.compile(rf'"id":"demo-(?:{"|".join(numbers)})[-"]')
        for file in sorted(Path(str(demo.cohort_dir())).glob("*.ndjson")):
            if file.stem == "Group":
                continue
            for line in file.read_text("utf-8").splitlines():
                if wanted.search(line):
                    yield json.loads(line.replace("demo-", f"{self.name}-"))

    def put(self, *resources: dict[str, Any]) -> None:
        """Store resources under their own ids, those first that others refer to."""
        order = ("Practitioner", "Patient", "Medication")
        ranked = sorted(resources, key=lambda r: r["resourceType"] not in order)
        entries = [
            {
                "fullUrl": f"{self.base}/{r['resourceType']}/{r['id']}",
                "resource": r,
                "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"},
            }
            for r in ranked
        ]
        self._http("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def edit(self, reference: str, **changes: Any) -> None:
        """Somebody changes a resource."""
        self.put({**self.read(reference), **changes})

    def delete(self, reference: str) -> None:
        """Somebody deletes a resource."""
        self._http("DELETE", f"/{reference}")

    def read(self, reference: str) -> dict[str, Any]:
        return self._http("GET", f"/{reference}")

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every resource of a type that the server holds."""
        found: list[dict[str, Any]] = []
        url = f"/{kind}?_count=200"
        while url:
            page = self._http("GET", url)
            found += [entry["resource"] for entry in page.get("entry", [])]
            links = {link["relation"]: link["url"] for link in page["link"]}
            url = links.get("next", "")
        return found

    def patient(self, number: str) -> str:
        return f"{self.name}-{number}"

    def key(self, number: str) -> str:
        """Pseudonym of a patient."""
        return patient_key(f"Patient/{self.patient(number)}", SITE)

    def plans(self, number: str) -> list[dict[str, Any]]:
        mine = {"reference": f"Patient/{self.patient(number)}"}
        return [plan for plan in self.all("CarePlan") if plan["subject"] == mine]

    def signed_on(self, number: str) -> str:
        """Day, by the server's clock, on which it took the orders of a signed plan."""
        mine = {"reference": f"Patient/{self.patient(number)}"}
        orders = (one for one in self.all("MedicationRequest") if one["subject"] == mine)
        (day,) = {one["meta"]["lastUpdated"][:10] for one in orders if one["intent"] == "order"}
        return str(day)

    # -- the program

    def environment(self) -> dict[str, str]:
        """Settings as a site would set them, in a folder of its own."""
        return {
            "B12FHIR_SERVER_ID": SITE.server_id,
            "B12FHIR_SITE_KEY": SITE.site_key,
            "B12FHIR_AUDIT": str(self.folder / "audit.jsonl"),
            "B12FHIR_SYNC_STORE": f"sqlite:///{self.folder / 'state' / 'sync.sqlite3'}",
            "B12FHIR_OUT": str(self.folder / "out"),
            **self.settings,
        }

    def run(self, *argv: str, at: str = "") -> Run:
        """A command in this process, on the server or through a proxy ``at``."""
        out, err = io.StringIO(), io.StringIO()
        code = wiring.main(
            [*argv, "--server", at or self.base], self.environment(), out, err, self.clock
        )
        return Run(code, out.getvalue(), err.getvalue())

    def sync(self, *options: str, at: str = "", day: str = DAY) -> Run:
        """One run of sync in this process."""
        return self.run("sync", "--as-of", day, *options, at=at)

    def start(self, *options: str, at: str = "", day: str = DAY) -> "subprocess.Popen[str]":
        """One run of sync as a site starts it: a process, in a group of its own."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("B12FHIR_")}
        environment |= self.environment() | {"PYTHONPATH": str(ROOT / "src")}
        command = [*PROGRAM, "sync", "--as-of", day, *options, "--server", at or self.base]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def sign(self, number: str, *options: str, day: str = BEFORE) -> None:
        """A practitioner signs the plan of a patient."""
        (plan,) = (p for p in self.plans(number) if p["status"] == "draft")
        key = next(i["value"] for i in plan["identifier"] if i["system"] == SITE.system("plan"))
        doctor = f"Practitioner/{self.name}-dr"
        whose = ("--plan", key, "--practitioner", doctor)
        done = self.run("approve", "--as-of", day, *whose, *options)
        assert done.code == 0, done.err

    def forget(self) -> None:
        """The database of how far sync has come is lost."""
        for file in (self.folder / "state").glob("*"):
            file.unlink()

    def audit(self) -> list[str]:
        """What `b12fhir audit verify` finds wrong."""
        out, err = io.StringIO(), io.StringIO()
        code = wiring.main(["audit", "verify"], self.environment(), out, err, self.clock)
        return [] if code == 0 else [*out.getvalue().splitlines(), *err.getvalue().splitlines()]

    # -- what there is in the end

    def end(self) -> "End":
        """Every resource by identity, without what no two servers would give alike; and every
        Provenance: none has an identity, so they are counted by what they say."""
        found = {kind: self.all(kind) for kind in KINDS}
        plain = _Plain(self, found)
        told: dict[str, Any] = {}
        for one in (one for resources in found.values() for one in resources):
            name = plain.named(one)
            assert name not in told, f"{name} is there twice"
            told[name] = json.loads(plain.text(one))
        return dict(sorted(told.items())), self._accounts(plain)

    def check_end(self, told: "End") -> None:
        """Nothing lost, nothing doubled, everything on record, and nothing left to do.

        ``told``: the `end` of a ward that nothing disturbed.
        """
        state, accounts = self.end()
        assert state == told[0]
        # Who wrote it may not have come through; it is never told twice or of another write.
        assert not untold(accounts, told[1])
        assert self.audit() == []
        assert self.sync().written == 0

    def _accounts(self, plain: "_Plain") -> Counter["Account"]:
        return Counter(
            (
                plain.text({**one, "target": []}),
                frozenset(plain.text(target) for target in one["target"]),
            )
            for one in self.all("Provenance")
        )

    def _http(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        url = path if path.startswith("http") else f"{self.base}{path}"
        headers = {"Cache-Control": "no-cache", "Content-Type": "application/fhir+json"}
        sent = None if body is None else json.dumps(body)
        got = requests.request(method, url, data=sent, headers=headers, timeout=ANSWER_S)
        assert got.ok, f"{method}: {got.status_code} {got.text[:600]}"
        answer: dict[str, Any] = got.json()
        return answer


def untold(found: Counter[Account], true: Counter[Account]) -> list[Account]:
    """Which Provenance says more than the true ones, or says it twice.

    One may be missing, or name less, where the answer to a write did not come through.
    """
    left = list(true.elements())
    wrong = []
    for said, targets in found.elements():
        match = next((one for one in left if one[0] == said and targets <= one[1]), None)
        if match is None:
            wrong.append((said, targets))
        else:
            left.remove(match)
    return wrong


class _Plain:
    """Says a resource without ids of a server, keys of a patient and stamps."""

    def __init__(self, ward: Ward, found: Mapping[str, Iterable[dict[str, Any]]]) -> None:
        self._ward = ward
        self._keys = {
            ward.key(number): f"KEY-{number}"
            for one in found["Patient"]
            if (number := one["id"].removeprefix(f"{ward.name}-"))
        }
        everything = [one for resources in found.values() for one in resources]
        self._names = {f"{one['resourceType']}/{one['id']}": self.named(one) for one in everything}

    def named(self, resource: dict[str, Any]) -> str:
        """Identity of one of ours, the id of any other."""
        kind = resource["resourceType"]
        ours = [
            f"{entry['system'].rpartition('/')[2]}|{entry['value']}"
            for entry in resource.get("identifier", [])
            if str(entry.get("system", "")).startswith(f"{SITE.canonical}/sid/")
            and entry["system"] not in _DIGESTS
            and kind != "Patient"
        ]
        return self._words(f"{kind} {' '.join(sorted(ours)) or resource['id']}")

    def text(self, resource: dict[str, Any]) -> str:
        """All that it says, in one order."""
        said = {key: value for key, value in resource.items() if key not in {"id", "meta"}}
        return self._words(json.dumps(self._node(said), sort_keys=True, ensure_ascii=False))

    def _node(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._node(child) for child in node]
        if not isinstance(node, dict):
            return node
        if node.get("system") == SITE.system(CONTENT_DIGEST):
            return "a digest over keys"
        shown = {key: self._node(value) for key, value in node.items()}
        if isinstance(reference := node.get("reference"), str):
            place, _, _ = reference.partition("/_history/")
            shown["reference"] = name = self._names.get(place, place)
            if "display" in node:
                shown["display"] = str(node["display"]).replace(place, name)
        return shown

    def _words(self, text: str) -> str:
        for key, name in self._keys.items():
            text = text.replace(key, name)
        return text.replace(f"{self._ward.name}-", "WARD-")


def new_ward(tenants: str, folder: Path, **settings: str) -> Ward:
    """A server without any patient: a tenant of its own on a server of many."""
    name = f"w{uuid4().hex[:8]}"
    parameters = [
        {"name": "id", "valueInteger": int(name[1:], 16) % 2_000_000_000 + 1},
        {"name": "name", "valueCode": name},
    ]
    ward = Ward(f"{tenants}/DEFAULT", folder, name, settings)
    made = {"resourceType": "Parameters", "parameter": parameters}
    ward._http("POST", "/$partition-management-create-partition", made)
    ward.base = f"{tenants}/{name}"
    folder.mkdir(parents=True, exist_ok=True)
    return ward
