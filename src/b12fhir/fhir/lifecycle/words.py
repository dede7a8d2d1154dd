"""Words of a plan that change with a signature: an order must not say that it is none."""

import re
from collections.abc import Mapping
from typing import Any

from b12fhir.fhir.narrative import PROPOSAL_NOTICE
from b12fhir.ports import Resource

# A server may break and indent the lines of a narrative in its own way.
_NOTICE = re.compile(r"\s+".join(re.escape(word) for word in PROPOSAL_NOTICE.split()))
_ASKED = re.compile(r"<p>\s*Signature asked (?:of|for).*?</p>", re.DOTALL)
_EMPTY_PARAGRAPH = re.compile(r"<p>\s*(?:<b>\s*</b>)?\s*</p>")
_TITLE = re.compile(r"\s*\(proposal\)\s*\Z")
_REMAINS = re.compile(r"\(proposal\)|not\s+an\s+order|Proposal\s+by", re.IGNORECASE)
# By the words of the titles under which plans are proposed.
_KINDS = {
    "plan to prevent": "prophylaxis",
    "tests to confirm": "confirm",
    "to be stopped or changed": "stop",
}


def kind_of(plan: Resource, *, medicine: bool) -> str:
    """Kind of a stored plan: ``treat``, ``prophylaxis``, ``confirm`` or ``stop``."""
    title = str(plan.get("title", ""))
    told = next((kind for words, kind in _KINDS.items() if words in title), "")
    return told or ("treat" if medicine else "confirm")


def without_notice(resource: Resource) -> dict[str, Any]:
    """The same resource without the words that call it a proposal."""
    changed: dict[str, Any] = dict(resource)
    if "title" in changed:
        changed["title"] = _TITLE.sub("", changed["title"])
    if "note" in changed:
        notes = [{**note, "text": _plain(note.get("text", ""))} for note in changed.pop("note")]
        kept = [note for note in notes if note["text"]]
        changed |= {"note": kept} if kept else {}
    if "div" in changed.get("text", {}):
        div = _ASKED.sub("", _NOTICE.sub("", changed["text"]["div"]))
        changed["text"] = {**changed["text"], "div": _EMPTY_PARAGRAPH.sub("", div)}
    return changed


def still_says_proposal(node: Any) -> bool:
    """Does any text in it still say that it is no order?"""
    if isinstance(node, str):
        return bool(_REMAINS.search(node))
    if isinstance(node, Mapping):
        return any(still_says_proposal(part) for part in node.values())
    return isinstance(node, list) and any(still_says_proposal(part) for part in node)


def _plain(note: str) -> str:
    return _NOTICE.sub("", note).strip()
