"""The environment of a hook, as Juju's HookVars makes it."""

from __future__ import annotations

from localjuju import VERSION, modelconfig
from localjuju.context import Context
from localjuju.deployer import charm_folder
from localjuju.host import SOCKET, SOCKETS

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"


def variables(context: Context) -> dict[str, str]:
    """What a hook finds in its environment, as Juju's HookVars makes it: nothing else, HOME neither."""
    model, unit, hook, host = context.model, context.unit, context.hook, context.host
    folder = charm_folder(unit, host)
    variables = {
        "APT_LISTCHANGES_FRONTEND": "none",
        "DEBIAN_FRONTEND": "noninteractive",
        "LANG": "C.UTF-8",
        "TERM": "tmux-256color",
        "PATH": f"{host.path('/var/lib/juju/tools')}/{unit.tag}:{SYSTEM_PATH}",
        "CHARM_DIR": folder,
        "JUJU_CHARM_DIR": folder,
        "JUJU_CONTEXT_ID": context.id,
        "JUJU_HOOK_NAME": hook.name,
        "JUJU_UNIT_NAME": unit.name,
        "JUJU_PRINCIPAL_UNIT": unit.principal,
        "JUJU_AGENT_SOCKET_ADDRESS": f"{host.path(SOCKETS)}/{SOCKET}",
        "JUJU_AGENT_SOCKET_NETWORK": "unix",
        "JUJU_MODEL_NAME": model.name,
        "JUJU_MODEL_UUID": model.uuid,
        "JUJU_VERSION": VERSION,
        "JUJU_MACHINE_ID": unit.machine,
        "JUJU_AVAILABILITY_ZONE": "localjuju",
        "JUJU_SLA": "unsupported",
        "JUJU_API_ADDRESSES": "127.0.0.1:17070",
        "CLOUD_API_VERSION": "",
        "JUJU_METER_STATUS": "AMBER",
        "JUJU_METER_INFO": "not set",
        **modelconfig.environment(model.config),
        **hook.env,
    }
    if hook.relation:
        relation = model.relations[hook.relation]
        name = relation.endpoints[unit.app]
        variables.update(
            JUJU_RELATION=name,
            JUJU_RELATION_ID=f"{name}:{relation.id}",
            JUJU_REMOTE_UNIT=hook.remote_unit,
            JUJU_REMOTE_APP=hook.remote_app,
        )
        if hook.departing_unit:
            variables["JUJU_DEPARTING_UNIT"] = hook.departing_unit
    if hook.storage:
        item = model.storage[hook.storage]
        variables.update(
            JUJU_STORAGE_ID=item.id,
            JUJU_STORAGE_LOCATION=host.path(item.location),
            JUJU_STORAGE_KIND="filesystem",
        )
    if context.task and context.task.action != "juju-exec":
        variables.update(
            JUJU_ACTION_NAME=context.task.action,
            JUJU_ACTION_UUID=context.task.id,
            JUJU_ACTION_TAG=f"action-{context.task.id}",
        )
    return variables
