"""Edge: HTTP clients of registries and OpenStack, and archives of images in files."""
