"""Every error a person can be shown, with the exit code a script gets.

QuarterdeckError            1   a defect of ours
├── ConfigError             2   a file, a key, an argument or the terminal is not usable
├── RefusedError            3   nothing was done, and why
├── StepError               4   a step of an operation failed
├── OutsideError            5   an outside system did not do its part
│   ├── UnreachableError        no answer: network, DNS, TLS, time limit
│   │   ├── NotSentError        a write that had not left this host: it certainly had no effect
│   │   └── AnswerLostError     a write that was sent and whose answer is not known: it may have had its effect
│   ├── UnauthorizedError       who we are was not accepted (401)
│   ├── ForbiddenError          what we may do does not cover it (403)
│   ├── NotFoundError           it does not exist (404)
│   ├── ConflictError           somebody else was first (409, failed precondition)
│   ├── InvalidError            what was asked is not accepted, now or later (400, 422)
│   ├── ExpiredError            the version asked for is too old (410)
│   └── RateLimitedError        asked too often (429)
└── JournalError            6   the journal cannot be written; nothing was touched
"""

from __future__ import annotations


class QuarterdeckError(Exception):
    """What happened, in one sentence, and `hint`: what to do next, in another."""

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class ConfigError(QuarterdeckError):
    """`file` and `key` name the place, where there is one."""

    exit_code = 2

    def __init__(self, message: str, hint: str, *, file: str = "", key: str = "") -> None:
        super().__init__(message, hint)
        self.file = file
        self.key = key


class RefusedError(QuarterdeckError):
    exit_code = 3


class StepError(QuarterdeckError):
    exit_code = 4


class OutsideError(QuarterdeckError):
    """`system` is what the person calls it: "API server", "Prometheus", "health endpoint"."""

    exit_code = 5

    def __init__(self, message: str, hint: str, *, system: str = "API server") -> None:
        super().__init__(message, hint)
        self.system = system


class UnreachableError(OutsideError):
    pass


class NotSentError(UnreachableError):
    pass


class AnswerLostError(UnreachableError):
    """Never to be sent again blindly: read back first."""


class UnauthorizedError(OutsideError):
    pass


class ForbiddenError(OutsideError):
    """`verb` and `resource` are what was refused, in RBAC's words ("list", "pods")."""

    def __init__(self, message: str, hint: str, *, system: str = "API server", verb: str = "", resource: str = "") -> None:
        super().__init__(message, hint, system=system)
        self.verb = verb
        self.resource = resource


class NotFoundError(OutsideError):
    pass


class ConflictError(OutsideError):
    pass


class InvalidError(OutsideError):
    pass


class ExpiredError(OutsideError):
    pass


class RateLimitedError(OutsideError):
    """`retry_after_s` is the server's own figure, or None where it gave none."""

    def __init__(self, message: str, hint: str, *, system: str = "API server", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint, system=system)
        self.retry_after_s = retry_after_s


class JournalError(QuarterdeckError):
    exit_code = 6
