"""The unit for the Canonical Observability Stack, through the subordinate opentelemetry-collector or grafana-agent.

Unit databag: `config`, JSON with the members metrics_scrape_jobs, metrics_alert_rules, log_alert_rules, dashboards and
log_slots. The agent rejects all of it if one of them is missing.
"""

from charms.layer import endpoints


class CosAgentProvides(endpoints.Endpoint):
    """The relation to an agent on this machine."""

    def publish_config(self, config: str) -> None:
        """Publish what the agent scrapes and forwards."""
        for relation in self.relation_ids:
            self.publish(relation, {"config": config})
