"""Stands in for the distutils that Python 3.12 dropped: charmhelpers wants one class of it."""
