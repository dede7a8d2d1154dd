"""CDS Hooks without the web: what a call asks, and the cards that answer it. Pure."""
