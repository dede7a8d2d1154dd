"""The tables of all uses.

`migrations/versions` makes them step by step; a test compares the two. To change one: change it
here, and add a step that does the same to a database that is in use.
"""

from b12fhir.adapters.database.tables import place
from b12fhir.adapters.database.tables.book import BOOK
from b12fhir.adapters.database.tables.metadata import METADATA

__all__ = ["BOOK", "METADATA", "place"]
