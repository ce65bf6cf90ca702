"""Edge: the unit's machine: Docker, dockerd, packages, files, keys."""
