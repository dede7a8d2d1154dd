"""The book: which cards were issued, answered or held back, and which tokens were used.

One database for all workers: SQLite in a file, or PostgreSQL. No card waits for it or fails with
it. What it promises:

==========================================  ====================================================
what happens                                what is so afterwards
==========================================  ====================================================
feedback was answered with success          it is on the disk, even if power fails at once
feedback could not be kept                  `BookError` (503); nothing of that call was kept
the same feedback comes twice               it is kept once
feedback comes before its card, or to       it joins its card as soon as that is written
another worker
it is about another client's card           it is kept, and counts for nothing
a card was shown                            it is written within 0.2 seconds or so
a card was held back                        why, how often and until when is written as soon; one
                                            row for each answer that holds it back
a process is killed                         it loses the cards it showed or held back in that
                                            time, and no feedback
another worker heard feedback               it is known within a second or so; a card that it
                                            silences may be shown once more
the database is away                        cards are shown; the last 20,000 wait in memory;
                                            answers known before go on counting; `is_ready` is
                                            no; each process knows only the tokens it saw itself
                                            (it asks again every 5 seconds)
the file of SQLite is taken away            each process makes or finds a new one within a
                                            second or so; what the old one held is lost
==========================================  ====================================================

The book holds pseudonyms in place of patients and readers, and no text of a card. A reader's own
words stand in it as they were sent: they may name a patient, so they are read by nothing here, and
the file is its owner's only.
"""

from b12fhir.adapters.database.book.record import SqlBook
from b12fhir.adapters.database.book.tally import read_report
from b12fhir.adapters.database.book.tokens import UsedTokens
from b12fhir.adapters.database.book.use import book_store

__all__ = ["SqlBook", "UsedTokens", "book_store", "read_report"]
