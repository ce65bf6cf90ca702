"""Formats that others define: PEM, htpasswd, daemon.json, apt's sources, NRPE, haproxy, relation data."""
