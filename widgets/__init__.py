"""Draw one thing each from a snapshot; say upward what the person asked."""
