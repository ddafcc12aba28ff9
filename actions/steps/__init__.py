"""What can be done in a step: the registry of executors, by the kind that plans name them by."""
