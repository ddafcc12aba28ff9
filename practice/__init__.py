"""The embedded practice cluster: real HTTP servers for `quarterdeck demo` and for tests."""
