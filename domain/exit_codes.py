"""What the command line answers to a script, beside the errors' own codes in `errors.py`."""

OK = 0
INTERNAL = 1
USAGE = 2
REFUSED = 3
STEP_FAILED = 4
OUTSIDE = 5
JOURNAL = 6
IN_PROGRESS = 10
"""In progress, paused, or SUSPECT."""
FAILING = 11
"""DOOMED, LIKELY or BUSINESS."""
TIMED_OUT = 12
SIGNAL_BASE = 128
"""128 + n: ended by signal n."""
