"""Puts it together: config in, clients made, streams started, snapshot published, keys bound, command line."""
