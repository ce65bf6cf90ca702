"""Edge: what others serve by HTTP (registries, OpenStack), and archives of images in files."""
