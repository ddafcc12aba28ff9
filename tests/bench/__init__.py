"""The speed figures (`make bench`): programs in a terminal, on a real control plane with thousands of pods."""
