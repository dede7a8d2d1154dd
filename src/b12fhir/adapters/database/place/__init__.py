"""The place: how far the sync of each server has come, in a database.

It holds, by server: the marks up to which changes are known, versions that were looked at, and a
queue of patients, by reference. All of it may be deleted at any moment and costs only time.

=========================================  =====================================================
what happens                               what is so afterwards
=========================================  =====================================================
a run is killed                            on the same machine the next call of another run takes
                                           its patients and its lease over; on another machine
                                           after a minute; the patients have the last turns
a run is stopped and goes on later         after a minute others take it for dead; what it then
                                           ends changes nothing here, nor does the full read that
                                           it was about, and it goes on as a new run
a patient is noted during a turn           waits again when the turn ends
a patient is judged by other rules than    waits once another run begins
those that all are read by
a patient is given back                    waits once another run begins; last, if tried in vain
power fails                                the last moments may be forgotten, in their order
the database is away                       `StoreError`; nothing of that call was kept
the file is taken away in mid-run          `StoreError`; the next run reads every patient
=========================================  =====================================================
"""

from b12fhir.adapters.database.place.sqlplace import SqlPlace
from b12fhir.adapters.database.place.use import place_store

__all__ = ["SqlPlace", "place_store"]
