"""A FHIR server in memory, for tests: behaves as HAPI does, and refuses what it does not know."""

from b12fhir.adapters.memory.server import MemoryServer, counting_clock

__all__ = ["MemoryServer", "counting_clock"]
