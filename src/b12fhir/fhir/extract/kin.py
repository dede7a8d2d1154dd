"""Who a relative is to the patient, and whether by blood: only that can be inherited."""

import re
from typing import NamedTuple

from b12fhir.fhir.extract.tree import codes_of, displays_of, obj, text
from b12fhir.kernel.codes import SNOMED
from b12fhir.kernel.truth import Truth

_ROLES = frozenset(
    {
        "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
        "http://hl7.org/fhir/v3/RoleCode",
        "urn:oid:2.16.840.1.113883.5.111",
    }
)
# v3-RoleCode below FAMMEMB. FAMMEMB and EXT themselves do not say whether it is by blood.
_BLOOD = {
    "mother": "MTH NMTH",
    "father": "FTH NFTH",
    "parent": "PRN NPRN",
    "sister": "SIS NSIS HSIS TWINSIS FTWINSIS ITWINSIS",
    "brother": "BRO NBRO HBRO TWINBRO FTWINBRO ITWINBRO",
    "sibling": "SIB NSIB HSIB TWIN FTWIN ITWIN",
    "daughter": "DAU DAUC",
    "son": "SON SONC",
    "child": "CHILD NCHILD",
    "grandparent": "GRPRN GRMTH GRFTH MGRPRN MGRMTH MGRFTH PGRPRN PGRMTH PGRFTH",
    "great-grandparent": "GGRPRN GGRMTH GGRFTH MGGRPRN MGGRMTH MGGRFTH PGGRPRN PGGRMTH PGGRFTH",
    "grandchild": "GRNDCHILD GRNDDAU GRNDSON",
    "aunt": "AUNT MAUNT PAUNT",
    "uncle": "UNCLE MUNCLE PUNCLE",
    "cousin": "COUSN MCOUSN PCOUSN",
    "niece or nephew": "NIECENEPH NIECE NEPHEW",
}
_NOT_BLOOD = frozenset(
    """
    CHLDADOPT DAUADOPT SONADOPT CHLDFOST DAUFOST SONFOST STPCHLD STPDAU STPSON INLAW CHLDINLAW
    DAUINLAW SONINLAW PRNINLAW FTHINLAW MTHINLAW SIBINLAW BROINLAW SISINLAW ADOPTP ADOPTF ADOPTM
    PRNFOST FTHFOST MTHFOST STPPRN STPFTH STPMTH GESTM NFTHF NMTHF STPSIB STPBRO STPSIS SIGOTHR
    DOMPART FMRSPS SPS HUSB WIFE ONESELF
    """.split()  # noqa: SIM905 - a table of codes reads best as one
)
_SNOMED = {
    "mother": "72705000 65656005",
    "father": "66839005 9947008",
    "sister": "27733009 73678001 2272004",
    "brother": "70924004 60614009 45929001",
    "daughter": "66089001",
    "son": "65616008",
    "grandparent": "17945006 62296006",
    "aunt": "25211005",
    "uncle": "38048003",
}
_BY_CODE = {code: word for word, codes in _BLOOD.items() for code in codes.split()}
_BY_SNOMED = {code: word for word, codes in _SNOMED.items() for code in codes.split()}
_OTHER = re.compile(
    r"\b(?:step|adopt|foster|in[ -]law|spouse|wife|husband|partner|by marriage|god|gestational"
    r"|surrogate|guardian|carer|friend|self\b)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\b(?:(?:great[ -]?)?grand(?:mother|father|parent|daughter|son|child)"
    r"|(?:half[ -]?)?(?:brother|sister|sibling)|mother|father|parent|twin|daughter|son|child|aunt"
    r"|uncle|cousin|niece|nephew|mum|mom|dad|blood relative)\b",
    re.IGNORECASE,
)


class Kin(NamedTuple):
    """A relative: a plain word, never a name, and whether it is one by blood."""

    word: str
    blood: Truth


def kin_of(relationship: object) -> Kin:
    """Who a relationship names, by its codes, else by its words.

    One that any code or word calls other than by blood is none; a relationship that does not say
    is unknown.
    """
    roles = {code.code for code in codes_of(relationship) if code.system in _ROLES}
    said = "; ".join([text(obj(relationship).get("text")), *displays_of(relationship)])
    if roles & _NOT_BLOOD or _OTHER.search(said):
        return Kin("someone who is no blood relative", Truth.NO)
    snomed = (code.code for code in codes_of(relationship) if code.system == SNOMED)
    words = [_BY_CODE[code] for code in sorted(roles) if code in _BY_CODE]
    words += [_BY_SNOMED[code] for code in snomed if code in _BY_SNOMED]
    words += [match.lower() for match in _RELATIVE.findall(said)]
    return Kin(words[0], Truth.YES) if words else Kin("a relative", Truth.UNKNOWN)
