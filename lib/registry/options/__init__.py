"""The options of config.yaml: a module for each theme, with its checks and messages."""
