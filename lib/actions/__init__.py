"""The actions of actions.yaml, a module for each subject."""
