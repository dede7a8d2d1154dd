"""What every composed resource shares: context, identifiers, links, and its transaction entry."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from b12fhir import __version__
from b12fhir.decision.model import Decision, Urgency
from b12fhir.facts.record import Facts
from b12fhir.fhir.digest import content_digest, decision_digest
from b12fhir.fhir.identity import CONTENT_DIGEST, DEVICE, PLAN, PlanKey, plan_key, urn
from b12fhir.fhir.site import Site
from b12fhir.kernel.evidence import Fact
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Plan
from b12fhir.protocol.model import Protocol

_EMPTY: tuple[object, ...] = (None, "", [], {})
_DIAGNOSIS = "Condition/"
DEVICE_KEY = f"b12fhir-engine-{__version__}"
_LITERAL = re.compile(r"(?P<kind>[A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Context:
    """Everything the composers read, and the plan's key.

    ``engine`` is the temporary address of our Device. ``conditions`` are those that speak for the
    decision, ``evidence`` every other record used. ``digest`` is that of the decision.
    """

    facts: Facts
    decision: Decision
    plan: Plan
    protocol: Protocol
    site: Site
    key: PlanKey
    engine: str
    conditions: tuple[str, ...]
    evidence: tuple[str, ...]
    digest: str

    @property
    def patient(self) -> dict[str, str]:
        """Reference to the patient."""
        return {"reference": self.facts.patient.reference}

    @property
    def urgent(self) -> bool:
        """Must something happen the same day?"""
        return self.decision.urgency is Urgency.URGENT

    @property
    def start(self) -> str:
        """d0: the date everything in the plan is counted from, and was proposed for."""
        return self.plan.start.isoformat()


def context(  # noqa: PLR0913, PLR0917 - what a proposal consists of
    facts: Facts, decision: Decision, plan: Plan, protocol: Protocol, site: Site, digest: str = ""
) -> Context:
    """Gather what the composers need; ``digest`` is that of the decision, if it is known."""
    key = plan_key(facts.patient.reference, facts.own_plans, site)
    yes = Truth.YES
    speaking = [fact for one in decision.findings if one.truth is yes for fact in one.facts]
    speaking += [fact for cause in decision.causes for fact in cause.facts]
    # Most facts are results: a look at the beginning spares them the pattern.
    conditions = literal([one for one in speaking if one.reference.startswith(_DIAGNOSIS)])
    evidence = tuple([link for link in used_records(decision) if link not in conditions])
    engine = urn(site, DEVICE, DEVICE_KEY)
    digest = digest or decision_digest(decision, plan, protocol.pack)
    return Context(facts, decision, plan, protocol, site, key, engine, conditions, evidence, digest)


def used_records(decision: Decision) -> tuple[str, ...]:
    """Every record that a rule or a cause was judged on, also where it spoke against it."""
    judged = [fact for finding in decision.findings for fact in finding.facts]
    return literal([*judged, *(fact for cause in decision.causes for fact in cause.facts)])


def plan_definition(protocol: Protocol, site: Site) -> str:
    """Canonical of the PlanDefinition that a plan follows, with its version (ruling 13)."""
    pack = protocol.pack
    return f"{site.canonical}/PlanDefinition/b12-{pack.id}|{pack.version}"


def literal(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Literal references among the facts; a contained or temporary one cannot be linked to."""
    found = []
    # A fact is used by several rules: each reference is looked at once.
    for reference in {fact.reference for fact in facts}:
        match = _LITERAL.match(reference)
        if match and match["kind"] != "Patient":
            found.append(reference)
    return tuple(sorted(found))


def identifier(site: Site, name: str, value: str) -> dict[str, str]:
    """One business identifier in one of our systems."""
    return {"system": site.system(name), "value": value}


def references(links: Iterable[str]) -> list[dict[str, str]]:
    """Reference elements."""
    return [{"reference": link} for link in links]


def provenance(ctx: Context) -> dict[str, list[str]]:
    """Which protocol this instantiates: its PlanDefinition and the pack's version (ruling 13)."""
    pack, base = ctx.protocol.pack, ctx.site.canonical
    return {
        "instantiatesCanonical": [plan_definition(ctx.protocol, ctx.site)],
        "instantiatesUri": [f"{base}/pack/{pack.id}/{pack.version}"],
    }


def meta(site: Site, profile: str = "") -> dict[str, Any]:
    """The profile a resource keeps to, and the one constant tag of everything we write.

    No digest stands here: tags are a shared dictionary.
    """
    tag = {"tag": [{"system": site.code_system("origin"), "code": "b12fhir"}]}
    return {"profile": [site.profile(profile)]} | tag if profile else tag


def group(ctx: Context) -> dict[str, str]:
    """Identifier that holds a plan's resources together."""
    return identifier(ctx.site, PLAN, str(ctx.key))


def author(ctx: Context) -> dict[str, str]:
    """Reference to this engine's Device inside the transaction."""
    return {"reference": ctx.engine}


def compact(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without empty elements, which FHIR forbids."""
    # What is full is no empty element; only of the rest is it asked which kind of nothing it is.
    return {key: value for key, value in resource.items() if value or value not in _EMPTY}


def create(where: Context | Site, kind: str, resource: dict[str, Any]) -> dict[str, Any]:
    """Conditional create on the resource's first identifier; signed with its content digest."""
    site = where.site if isinstance(where, Context) else where
    own = resource["identifier"][0]
    if kind != DEVICE:
        digest = identifier(site, CONTENT_DIGEST, content_digest(resource, site))
        resource = resource | {"identifier": [*resource["identifier"], digest]}
    return {
        "fullUrl": urn(site, kind, own["value"]),
        "resource": resource,
        "request": {
            "method": "POST",
            "url": resource["resourceType"],
            "ifNoneExist": f"identifier={own['system']}|{own['value']}",
        },
    }
