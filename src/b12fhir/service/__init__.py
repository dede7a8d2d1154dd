"""The whole program in three steps: extract, decide, propose. Every door calls these, no deeper."""

from b12fhir.service.explain import Explanation, explain
from b12fhir.service.explained import EXPLANATION_VERSION, explanation_json, explanation_schema
from b12fhir.service.follow import Followed, calendar_of, follow, follow_proposed
from b12fhir.service.propose import Proposal, decide_on, extract, propose
from b12fhir.service.standing import Wanted, wanted
from b12fhir.service.view import SCHEMA_VERSION, proposal_schema, to_json

__all__ = [
    "EXPLANATION_VERSION",
    "SCHEMA_VERSION",
    "Explanation",
    "Followed",
    "Proposal",
    "Wanted",
    "calendar_of",
    "decide_on",
    "explain",
    "explanation_json",
    "explanation_schema",
    "extract",
    "follow",
    "follow_proposed",
    "proposal_schema",
    "propose",
    "to_json",
    "wanted",
]
