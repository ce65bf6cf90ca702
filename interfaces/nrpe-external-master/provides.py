"""The unit for Nagios, through the subordinate nrpe.

Unit databag, raw values: `primary`, by which nrpe identifies its principal unit, and `monitors`, YAML text with
the checks: `{monitors: {remote: {nrpe: {<name>: {command: check_<name>}}}}}`. nrpe publishes
`nagios_hostname` and `nagios_host_context`.
"""

import re

import yaml
from charms.layer import endpoints
from registry.formats.relations import Nagios


class NrpeExternalMaster(endpoints.Endpoint):
    """The relation to nrpe on this machine."""

    def publish_checks(self, names: tuple[str, ...]) -> None:
        """Publish the checks of these names to nrpe."""
        checks = {name: {"command": f"check_{name}"} for name in names}
        monitors = yaml.safe_dump({"monitors": {"remote": {"nrpe": checks}}}, default_flow_style=False)
        for relation in self.relation_ids:
            # The predecessor published the time in each hook, which restarted nrpe each time.
            self.publish(relation, {"primary": "True", "monitors": monitors, "timestamp": None})

    def nagios(self) -> Nagios | None:
        """Return this unit's name in Nagios; None until nrpe publishes it."""
        for relation in self.relation_ids:
            for bag in self.units(relation).values():
                # It becomes part of a file's name.
                if re.fullmatch(r"[\w.:@-]{1,200}", bag.get("nagios_hostname", "")):
                    return Nagios(bag["nagios_hostname"], bag.get("nagios_host_context", ""))
        return None
