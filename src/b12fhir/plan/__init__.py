"""Decision and protocol in, dated Plan out."""
