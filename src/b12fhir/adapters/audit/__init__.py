"""The audit record: what the program did, in files that show when somebody changed them.

One JSON object a line. Each line holds the hash of the line before and its own, a SHA-256 over
everything else in it, so that nobody can change, remove, add or move a line without breaking the
chain. A head file beside it holds the number of lines and the last hash, so that a cut end shows
too. With a key (`B12FHIR_AUDIT_KEY_FILE`) the head bears an HMAC.

============================================  ===============  ================================
what somebody does to the files               without a key    with a key he does not have
============================================  ===============  ================================
changes, removes or moves lines               shown            shown
cuts the end off, or adds lines to it         shown            shown
does that and makes chain and head anew       not shown        shown
puts back old copies of all files together    not shown        not shown
removes every file                            not shown        not shown
reads the record                              not prevented    not prevented
============================================  ===============  ================================

For the last rows keep what `audit verify` prints, the number of entries and the last hash, in
another place. Whoever has the key, or runs the program, can record what is not so: the chain proves
that a record was not changed afterwards, not that it was true. Files can be read by their owner
only; a patient stands in them as a pseudonym, and no name, text of a record or token does. The
references to results and plans can be followed by whoever may read the FHIR server, and by nobody
else, unless a site's resource ids themselves say whose they are.

A crash leaves at most one half-written last line. The next entry sets it aside in a file of its
own, says so in an entry, and the chain goes on. A record whose end was cut off, or that is broken
at its end, is not continued: new lines would cover it up.
"""

from b12fhir.adapters.audit.record import FileAudit
from b12fhir.adapters.audit.verify import Verified, verify
from b12fhir.adapters.audit.words import history

__all__ = ["FileAudit", "Verified", "history", "verify"]
