"""What the charm's handlers stand on: the start of a hook, its status, its log, leadership data."""
