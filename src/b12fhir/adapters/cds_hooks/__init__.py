"""CDS Hooks over HTTP: discovery, calls, feedback, and what the service says of itself."""
