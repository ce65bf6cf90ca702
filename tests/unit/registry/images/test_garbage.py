"""What the registry's own garbage collection prints."""

import pytest
from registry.images import garbage


@pytest.mark.parametrize(
    ("error", "on_disk", "expected"),
    [
        ("failed to garbage collect: failed to mark: Path not found: /docker/registry/v2/repositories", True, True),
        ("failed to garbage collect: failed to mark: Path not found: /docker/registry/v2/repositories", False, False),
        ("failed to garbage collect: error enumerating blobs: Path not found: /docker/registry/v2/blobs", False, True),
        ("failed to mark: Path not found: /docker/registry/v2/repositories/app/_manifests", True, False),
        ("failed to mark: Path not found: /docker/registry/v2/blobs/sha256/00/data", True, False),
        ("it printed nothing", True, False),
    ],
)
def test_a_registry_without_images_has_no_garbage(error, on_disk, expected):
    assert garbage.is_never_pushed(error, on_disk=on_disk) is expected
