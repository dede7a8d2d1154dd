"""Sign, reject, withdraw and close plans on a FHIR server; used by the command line and any page.

Who may call this is the caller's to check: a practitioner named here is looked up, not logged in.
"""

from b12fhir.adapters.signoff.desk import Asked, Desk, Done
from b12fhir.adapters.signoff.steps import close, list_plans, refuse, sign, withdraw

__all__ = ["Asked", "Desk", "Done", "close", "list_plans", "refuse", "sign", "withdraw"]
