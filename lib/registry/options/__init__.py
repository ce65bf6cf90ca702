"""What the operator asks for: the options of config.yaml, a module for each theme, and what is wrong with them."""
