"""One complete configuration of the registry: config.yml, other files, container; and drift from it."""
