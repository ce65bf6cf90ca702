"""Lists of images as projects publish them."""

import pytest
from registry.images import lists
from registry.images.lists import BadList, Request, parse

DIGEST = f"sha256:{'0a' * 32}"
CHARMED = """\
v1.35-static: cdk/coredns:1.1  cdk/pause-{{ arch }}:3.1
v1.35.3-upstream: {{ multiarch_workaround }}registry.k8s.io/kube-proxy:v1.35.3
"""
HAULER = """\
apiVersion: content.hauler.cattle.io/v1
kind: Images
metadata: {name: images}
spec:
  images:
    - name: docker.io/library/busybox:1.37
    - name: ghcr.io/team/app:1
---
apiVersion: content.hauler.cattle.io/v1
kind: Charts
spec:
  charts: [{name: app}]
"""
ZARF = """\
kind: ZarfPackageConfig
components:
- name: one
  images: [nginx:1.29, "docker.io/library/redis:8"]
- name: two
"""


@pytest.mark.parametrize(
    ("text", "request_", "names"),
    [
        ("app:1\n", {}, ["app:1"]),
        ("b:1\na:1\nb:1\n", {}, ["b:1", "a:1"]),
        ("app:1\r\nweb:2\r\n", {}, ["app:1", "web:2"]),
        ("\ufeffapp:1\n", {}, ["app:1"]),
        ("# comment\n\napp:1 # why\n", {}, ["app:1"]),
        ("app\n", {}, ["app:latest"]),
        (f"app:1@{DIGEST}\napp@{DIGEST}\n", {}, [f"app:1@{DIGEST}", f"app@{DIGEST}"]),
        ("host:5000/app:1\nlocalhost/app\n", {}, ["host:5000/app:1", "localhost/app:latest"]),
        (f"app:{'x' * 128}\n", {}, [f"app:{'x' * 128}"]),
        (f"app:sha256-{'0a' * 32}.sig\n", {}, [f"app:sha256-{'0a' * 32}.sig"]),
        (
            "W0110 03:44:02.123456 1 version.go:104] could not fetch\nregistry.k8s.io/coredns/coredns:v1.12\n",
            {},
            ["registry.k8s.io/coredns/coredns:v1.12"],
        ),
        ("pause:3\nghcr.io/a/b:1\n", {"prefix": "host.example/cdk/"}, ["host.example/cdk/pause:3", "ghcr.io/a/b:1"]),
        (
            CHARMED,
            {"release": "v1.35-static", "variables": {"arch": "amd64"}},
            ["cdk/coredns:1.1", "cdk/pause-amd64:3.1"],
        ),
        (
            CHARMED,
            {"release": "v1.35.3-upstream", "variables": {"multiarch_workaround": ""}},
            ["registry.k8s.io/kube-proxy:v1.35.3"],
        ),
        ("only: a:1 b:2\n", {}, ["a:1", "b:2"]),
        (HAULER, {}, ["docker.io/library/busybox:1.37", "ghcr.io/team/app:1"]),
        (ZARF, {}, ["nginx:1.29", "docker.io/library/redis:8"]),
        ("kind: Images\nspec: {images: [{name: app:1}, {tag: 2}, app:2]}\n---\n- app:3\n", {}, ["app:1"]),
        ("kind: ZarfPackageConfig\ncomponents: [{images: [app:1, 7]}, app:2]\n", {}, ["app:1"]),
    ],
)
def test_lists_that_are_published(text, request_, names):
    assert [str(one) for one in parse(text, Request(**request_))] == names


@pytest.mark.parametrize(
    ("text", "request_", "reason"),
    [
        ("", {}, "the list contains no image"),
        ("\n# nothing\n", {}, "the list contains no image"),
        ("app:1\nApp:2\n", {}, "line 2: 'App:2' is not an image name"),
        ("app:1\n<html>\n", {}, "line 2: '<html>' is not an image name"),
        (CHARMED, {}, "the list has several releases"),
        (CHARMED, {"release": "v9"}, "the list has no release 'v9'"),
        (CHARMED, {"release": "v1.35-static"}, "line 1: 'cdk/pause-{{arch}}:3.1' contains a variable"),
        ("image:\n  app: a:1\nweb:2\n", {}, "line 2: 'a:1' is not an image name"),
        ("kind: Images\nspec: {", {}, "the list is not YAML"),
        ("kind: Images\nspec: {images: [{name: 'A B'}]}\n", {}, "line 1: 'A B' is not an image name"),
        ("kind: &a [x, x]\nspec: *a\n", {}, "the list is not YAML (aliases are not supported"),
        ("kind: Charts\n", {}, "the list contains no image"),
        ("#" * (lists.LIMIT + 1), {}, "the list has 16777217"),
    ],
)
def test_what_is_no_list_is_refused_with_its_place(text, request_, reason):
    with pytest.raises(BadList) as raised:
        parse(text, Request(**request_))
    assert str(raised.value.text).startswith(reason)
