"""Facts and protocol in, Decision out; one clinical question a file."""
