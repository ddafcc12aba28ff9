"""Talks to one Kubernetes API server: read path, credentials and the read-only gate. Imports nothing here, on purpose."""
