"""From checked documents to the typed model. Every builder trusts what schema and lint let pass."""
