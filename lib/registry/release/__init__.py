"""One configuration of the registry, whole: config.yml, further files, container; and how one that runs differs."""
