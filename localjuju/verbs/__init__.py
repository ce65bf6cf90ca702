"""The verbs, a noun a module. Each function is a verb; `cli.MODULES` says in which module a verb is."""
