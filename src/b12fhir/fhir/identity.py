"""Who a proposal belongs to: keys that are the same on every run and tell nothing about the person.

::

    pkey      a1b2c3d4e5f60718             patient: 16 hex digits of an HMAC, see `patient_key`
    plan      a1b2c3d4e5f60718:e1:r1       patient, episode, revision
    resource  a1b2c3d4e5f60718:e1:r1:induction

No run id, clock or random value goes into a key, and none holds ``|`` or ``,``, which are search
syntax. An episode ends when an approved plan is closed; a revision ends when its proposal is
withdrawn, since a conditional create would otherwise find the withdrawn resource again.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import NAMESPACE_URL, uuid5

from b12fhir.errors import PatientError
from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.site import Site

PLAN = "plan"
MEDICATION_REQUEST = "medication-request"
SERVICE_REQUEST = "service-request"
GOAL = "goal"
ASSESSMENT = "assessment"
DETECTED_ISSUE = "detected-issue"
APPROVAL_TASK = "approval-task"
DOSE_TASK = "dose-task"
DEVICE = "device"
# Of a resource that gave up its identity to another one; of a finding about two therapies at once.
DUPLICATE = "duplicate"
DOUBLED_THERAPY = "doubled-therapy"
# What a signature makes has systems of its own: no conditional search ever mixes it with a draft.
APPROVED_PLAN = "approved-plan"
ORDER = "order"
# Of an order that a card offered as a draft: the record system makes it, and it is none of ours.
CARD_ORDER = "card-order"
DECISION_DIGEST = "decision-digest"
TREATMENT_DIGEST = "treatment-digest"
CONTENT_DIGEST = "content-digest"

CLOSED = frozenset({"completed", "revoked", "entered-in-error"})
_ENDS_EPISODE = frozenset({"completed", "revoked"})
_PKEY_DIGITS = 16
_PATIENT = re.compile(r"Patient/[A-Za-z0-9\-.]{1,64}\Z")
_PLAN_KEY = re.compile(r"(?P<pkey>[0-9a-f]{16}):e(?P<episode>[1-9]\d*):r(?P<revision>[1-9]\d*)\Z")


@dataclass(frozen=True, slots=True)
class PlanKey:
    """Identity of one proposal: patient key, episode and revision."""

    pkey: str
    episode: int
    revision: int

    def __str__(self) -> str:
        return f"{self.pkey}:e{self.episode}:r{self.revision}"

    def child(self, name: str) -> str:
        """Key of one resource of the plan: a phase or a test."""
        return f"{self}:{name}"


def parse_plan_key(text: str) -> PlanKey | None:
    """Read a plan key; ``None`` if the text is none."""
    match = _PLAN_KEY.match(text)
    if match is None:
        return None
    return PlanKey(match["pkey"], int(match["episode"]), int(match["revision"]))


def patient_key(patient_reference: str, site: Site) -> str:
    """Pseudonym of a patient at this site and server; not reversible without the site's key.

    It is the first 16 hex digits of HMAC-SHA256(site key, "<server id>|Patient/<id>").
    """
    if not _PATIENT.match(patient_reference):
        raise PatientError(
            "The patient has no reference of the form Patient/<id>, so no proposal can be kept "
            "apart from another patient's.",
            hint="Give the Patient resource an id.",
        )
    return _pseudonym(patient_reference, site)


def reader_key(user_reference: str, site: Site) -> str:
    """Pseudonym of who reads cards, made like a patient's; ``""`` for nobody known."""
    return _pseudonym(user_reference, site) if user_reference else ""


def _pseudonym(reference: str, site: Site) -> str:
    return keyed_digest(f"{site.server_id}|{reference}".encode(), site)[:_PKEY_DIGITS]


def keyed_digest(content: bytes, site: Site) -> str:
    """HMAC-SHA256 under the site's key, in hex: nobody without the key can try a guess on it."""
    mac = _empty(site.site_key).copy()
    mac.update(content)
    return mac.hexdigest()


@lru_cache(maxsize=8)
def _empty(key: str) -> hmac.HMAC:
    """The HMAC before any content: in a call, to look the hash up costs more than the rest."""
    return hmac.new(key.encode(), digestmod="sha256")


def plan_key(patient_reference: str, own_plans: Iterable[OwnPlan], site: Site) -> PlanKey:
    """The key the next proposal is written under, given the plans already on record.

    The episode is one more than the approved plans that were closed. The revision is that of the
    proposal still open, else one more than the last one closed.
    """
    pkey = patient_key(patient_reference, site)
    plans = tuple(own_plans)
    signed = (plan for plan in plans if plan.intent != "proposal")
    ended = {plan.key for plan in signed if plan.status in _ENDS_EPISODE}
    episode = len(ended) + 1
    revision = max((_next_revision(plan, pkey, episode) for plan in plans), default=1)
    return PlanKey(pkey, episode, revision)


def replaced_plan(key: PlanKey, own_plans: Iterable[OwnPlan]) -> OwnPlan | None:
    """The latest withdrawn proposal of the same episode, whose place the new one takes."""
    closed = [
        (parsed.revision, plan.reference, plan)
        for plan in own_plans
        if (parsed := parse_plan_key(plan.key)) is not None
        and (parsed.pkey, parsed.episode) == (key.pkey, key.episode)
        and parsed.revision < key.revision
        and plan.status in CLOSED
    ]
    return max(closed, key=lambda entry: entry[:2])[2] if closed else None


def _next_revision(plan: OwnPlan, pkey: str, episode: int) -> int:
    key = parse_plan_key(plan.key)
    if key is None or plan.intent != "proposal" or (key.pkey, key.episode) != (pkey, episode):
        return 1
    return key.revision + 1 if plan.status in CLOSED else key.revision


def urn(site: Site, kind: str, key: str) -> str:
    """Temporary address of a resource inside a transaction: the same on every run."""
    return _urn(f"{site.canonical}/{kind}/{key}")


# The address of our Device is asked for by every proposal.
@lru_cache(maxsize=256)
def _urn(name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, name)}"
