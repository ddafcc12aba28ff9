"""Talks to one outside system each: streams in, commands out; nothing of an SDK leaks."""
