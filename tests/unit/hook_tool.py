"""The hook tools of Juju, faked: what each answers, and what it does to the model. See `Juju` in fake_juju.py.

A tool is called with the model, its words and its options; among the options are Juju's environment, by name, and
`stdin`.
"""

import json

ENVIRONMENT = ("JUJU_UNIT_NAME", "JUJU_RELATION_ID", "JUJU_REMOTE_UNIT")
"""What the tools here go by."""


class Refused(Exception):
    """What Juju refuses, with its words."""


def call(model, tool, words, environment, stdin):
    """Run a tool: its exit code, its output and its errors."""
    if "--help" in words:
        return 0, "Options:\n    --file  (= )\n", ""
    plain, options = _split(words)
    try:
        answer = TOOLS[tool](model, plain, {**environment, "stdin": stdin, **options})
    except Refused as refusal:
        return 1, "", f"ERROR {refusal}\n"
    if answer is NOTHING:
        return 0, "", ""
    return 0, f"{json.dumps(answer) if '--format=json' in words else answer}\n", ""


NOTHING = object()


def _split(words):
    """Words and options: -r and --file take the next word as their value."""
    plain, options, rest = [], {}, list(words)
    while rest:
        word = rest.pop(0)
        if word in ("-r", "-l", "--file"):
            options[word] = rest.pop(0)
        elif word.startswith("--"):
            name, _, value = word.partition("=")
            options[name] = value or True
        else:
            plain.append(word)
    return plain, options


def _pairs(words, options):
    pairs = dict(word.split("=", 1) for word in words)
    if options.get("--file") == "-":
        pairs.update(json.loads(options["stdin"]))
    elif "--file" in options:
        with open(options["--file"]) as text:  # charmhelpers writes YAML, a string to a line
            for line in text.read().splitlines():
                key, _, value = line.partition(": ")
                pairs[key] = value.strip("'\"")
    return pairs


def _store(bucket, pairs):
    for key, value in pairs.items():
        if value:
            bucket[key] = value
        else:
            bucket.pop(key, None)
    return NOTHING


def leader_set(model, words, options):
    if not model["is_leader"]:
        raise Refused("cannot write leadership settings: cannot write settings: not the leader")
    return _store(model["leader"], _pairs(words, options))


def leader_get(model, words, options):
    return model["leader"] if words in ([], ["-"]) else model["leader"].get(words[0])


def status_set(model, words, options):
    model["status"] = words[:2]
    return NOTHING


def action_get(model, words, options):
    return model["action"].get(words[0]) if words else model["action"]


def action_set(model, words, options):
    model["results"].update(_pairs(words, options))
    return NOTHING


def action_fail(model, words, options):
    model["failure"] = words[0]
    return NOTHING


def _relation(model, options):
    name = options.get("-r") or options.get("JUJU_RELATION_ID")
    if name not in model["relations"]:
        raise Refused(f'invalid value "{name}" for option -r: relation not found')
    return model["relations"][name]


def relation_ids(model, words, options):
    return sorted(name for name in model["relations"] if name.split(":")[0] == words[0])


def relation_list(model, words, options):
    return sorted(name for name in _relation(model, options) if "/" in name and name != options["JUJU_UNIT_NAME"])


def relation_get(model, words, options):
    key, name = [*words, "-", options.get("JUJU_REMOTE_UNIT", "")][:2] if len(words) < 2 else words[:2]
    if "--app" in options:
        name = name.split("/")[0]
    data = _relation(model, options).get(name, {})
    return data if key == "-" else data.get(key)


def relation_set(model, words, options):
    name = options["JUJU_UNIT_NAME"]
    if "--app" in options:
        name = name.split("/")[0]
    return _store(_relation(model, options).setdefault(name, {}), _pairs(words, options))


def network_get(model, words, options):
    address = model["address"]
    if address is None:
        raise Refused("no network config found")
    if "--primary-address" in options:
        return address
    relation = options.get("-r") or options.get("JUJU_RELATION_ID") or ""
    if relation.split(":")[0] == words[0]:
        address = model["ingress"].get(relation, address)
    bound = {"interface-name": "eth0", "addresses": [{"value": address, "cidr": f"{address}/24"}]}
    return {"bind-addresses": [bound], "ingress-addresses": [address], "egress-subnets": [f"{address}/32"]}


def open_port(model, words, options):
    model["ports"] = sorted({*model["ports"], words[0].lower()})
    return NOTHING


def close_port(model, words, options):
    model["ports"] = [port for port in model["ports"] if port != words[0].lower()]
    return NOTHING


def application_version_set(model, words, options):
    model["version"] = words[0]
    return NOTHING


def resource_get(model, words, options):
    path = model["resources"].get(words[0])
    if path is None:
        raise Refused(f'could not download resource: resource "{words[0]}" not found')
    return path


def secret_get(model, words, options):
    content = model["secrets"].get(words[0].removeprefix("secret:"))
    if content is None:
        raise Refused("permission denied")
    return content


TOOLS = {
    "action-fail": action_fail,
    "action-get": action_get,
    "action-log": lambda model, words, options: NOTHING,
    "action-set": action_set,
    "application-version-set": application_version_set,
    "close-port": close_port,
    "config-get": lambda model, words, options: model["config"],
    "goal-state": lambda model, words, options: {"units": {}, "relations": {}},
    "is-leader": lambda model, words, options: model["is_leader"],
    "juju-log": lambda model, words, options: NOTHING,
    "leader-get": leader_get,
    "leader-set": leader_set,
    "network-get": network_get,
    "open-port": open_port,
    "opened-ports": lambda model, words, options: model["ports"],
    "relation-get": relation_get,
    "relation-ids": relation_ids,
    "relation-list": relation_list,
    "relation-set": relation_set,
    "resource-get": resource_get,
    "secret-get": secret_get,
    "status-get": lambda model, words, options: dict(zip(("status", "message"), model["status"], strict=True)),
    "status-set": status_set,
    "unit-get": lambda model, words, options: model["address"],
}
