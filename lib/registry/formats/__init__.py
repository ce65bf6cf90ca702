"""Texts and data whose form others define: PEM, htpasswd, daemon.json, apt's sources, NRPE, haproxy, relations."""
