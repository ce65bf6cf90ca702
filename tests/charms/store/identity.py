"""Keystone with a domain `acme` of its own: the project `images` and its user `tester`, whose password is `testing`.

https://docs.openstack.org/keystone/2023.1/install/ and https://docs.openstack.org/api-ref/identity/v3/
"""

import json
import pathlib
import sqlite3
import subprocess
import time
import urllib.request

URL = "http://127.0.0.1:5000/v3"
COMMAND = "/usr/bin/keystone-wsgi-public --port 5000"
CONF, DATABASE = pathlib.Path("/etc/keystone/keystone.conf"), pathlib.Path("/var/lib/keystone/keystone.db")
SETTINGS = f"""\
[database]
connection = sqlite:///{DATABASE}
[identity]
password_hash_rounds = 4
[token]
provider = fernet
"""
FILTERS = f"""\
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = {URL}
auth_url = {URL}
auth_type = password
username = admin
password = admin
user_domain_id = default
project_name = admin
project_domain_id = default
interface = public
memcached_servers = 127.0.0.1:11211
delay_auth_decision = true
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = swiftoperator
"""


def set_up():
    """Make Keystone's files, once."""
    if DATABASE.exists():
        return
    CONF.parent.mkdir(exist_ok=True)
    DATABASE.parent.mkdir(exist_ok=True)
    CONF.write_text(SETTINGS)
    owner = ("--keystone-user", "root", "--keystone-group", "root")
    for words in (
        ("db_sync",),
        ("fernet_setup", *owner),
        ("credential_setup", *owner),
        ("bootstrap", "--bootstrap-password", "admin", "--bootstrap-public-url", URL),
    ):
        subprocess.run(["keystone-manage", *words], check=True, capture_output=True)
    # Else a request that reads locks out one that writes.
    sqlite3.connect(DATABASE).execute("pragma journal_mode=wal").close()


def wait_for(what):
    """Return what *what* returns, once nothing is in the way of it."""
    for _ in range(100):
        try:
            return what()
        except OSError:
            time.sleep(0.2)
    return what()


def ask(method, path, body=None, token=""):
    headers = {"Content-Type": "application/json", "X-Auth-Token": token}
    request = urllib.request.Request(URL + path, json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, json.loads(answer.read() or "null")


def fill(proxy):
    """Make domain, project and user, and the catalog with the URL of Swift's *proxy*; once."""
    admin = {"name": "admin", "domain": {"id": "default"}}
    who = {"methods": ["password"], "password": {"user": {**admin, "password": "admin"}}}
    login = {"auth": {"identity": who, "scope": {"project": admin}}}
    token = wait_for(lambda: ask("POST", "/auth/tokens", login))[0]["X-Subject-Token"]

    def make(kind, **fields):
        return ask("POST", f"/{kind}s", {kind: fields}, token)[1][kind]["id"]

    if ask("GET", "/domains?name=acme", token=token)[1]["domains"]:
        return
    domain = make("domain", name="acme")
    project = make("project", name="images", domain_id=domain)
    user = make("user", name="tester", password="testing", domain_id=domain)
    role = make("role", name="swiftoperator")
    ask("PUT", f"/projects/{project}/users/{user}/roles/{role}", token=token)
    service = make("service", type="object-store", name="swift")
    account = "/v1/AUTH_$(project_id)s"
    for region in ("elsewhere", "here"):
        make("region", id=region)
    for region, interface, url in (
        ("elsewhere", "public", "http://127.0.0.1:1"),
        ("here", "internal", "http://127.0.0.1:1"),
        ("here", "public", proxy),
    ):
        make("endpoint", service_id=service, interface=interface, region_id=region, url=url + account)
