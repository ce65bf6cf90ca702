"""CAs of other applications, which the registry trusts as a client.

https://documentation.ubuntu.com/charmlibs/reference/interfaces/certificate_transfer. The leader publishes `version`, so
that the other application uses version 1: `certificates` in its application's databag, a JSON list of PEM texts. One of
version 0 publishes `ca` and `chain` in the databags of its units, as JSON or as they are.
"""

import json

from charms.layer import endpoints, leadership
from registry.formats.relations import json_list


class CertificateTransferRequires(endpoints.Endpoint):
    """The relations to applications that others must trust."""

    reads_application = True

    def request(self) -> None:
        """Publish which version is read."""
        for relation in self.relation_ids:
            if leadership.is_leader():
                self.publish(relation, {"version": "1"}, application=True)

    def texts(self) -> tuple[str, ...]:
        """Return what is to be trusted, PEM unless it is junk, in an order that does not change by itself."""
        found = {text for relation in self.relation_ids for text in self._texts(relation)}
        return tuple(sorted(found))

    def _texts(self, relation: str) -> list[str]:
        listed = self.application(relation).get("certificates")
        if listed is not None:
            return _list(listed)
        bags = self.units(relation).values()
        return [text for bag in bags for key in ("ca", "chain") if key in bag for text in _list(bag[key])]


def _list(value: str) -> list[str]:
    """Return the texts in a *value*: a JSON list, one JSON string, or the text itself."""
    texts = json_list(value)
    if not texts:
        try:
            texts = [json.loads(value)]
        except (ValueError, RecursionError):
            texts = [value]
    return [text for text in texts if isinstance(text, str) and text.strip()]
