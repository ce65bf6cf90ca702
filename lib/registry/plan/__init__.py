"""Options and facts to the decision, the published data and the status."""
