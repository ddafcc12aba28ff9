"""What is true: workloads, pods, revisions, verdicts. Pure: no I/O, no clock, nothing but the standard library."""
