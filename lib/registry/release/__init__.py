"""One configuration of the registry, whole: config.yml, further files and the container; and how one that runs differs."""
