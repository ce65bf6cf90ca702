"""The hook tools, a noun a module: the programs with which a hook asks its unit agent, and how they answer.

Arguments, output formats and exit codes are Juju's (https://documentation.ubuntu.com/juju/3.6/reference/hook-command/,
and what charmhelpers.core.hookenv relies on): 0, 1 for a refusal, 2 for misuse, with `ERROR <text>` on stderr.
`tool` has what they share, `dispatch` calls one by its name.
"""
