"""Hook tools about the configuration and the resources of the application."""

from __future__ import annotations

from typing import Any

from localjuju.hooktools.tool import Call, pick, tool


@tool("config-get", "all", (0, 1))
def config_get(call: Call) -> Any:
    """One option, the options that are set, or with --all every one."""
    config = call.context.config()
    if call.args or call.flags.get("all"):
        return pick(config, call.args)
    return {name: value for name, value in config.items() if value is not None}


@tool("resource-get", "", (1, 1), prints="raw")
def resource_get(call: Call) -> str:
    """The path of a resource, without a newline, as charmhelpers.core.hookenv.resource_get takes it."""
    return call.context.resource(call.args[0])
