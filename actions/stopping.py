"""Why an operation stops before its plan is done. These pass through a step: nothing but the runner catches them."""

from __future__ import annotations


class Stopped(Exception):
    """`why` is the word that the journal keeps, the message what a person reads."""

    why = ""


class AbortedError(Stopped):
    why = "abort"


class LockLostError(Stopped):
    why = "lock"
