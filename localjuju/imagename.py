"""The names of machines' images: `localjuju:<suite>` and, with Docker in it, `localjuju:<suite>-docker`."""

from __future__ import annotations

from pathlib import Path

from localjuju import JujuError


def os_release(root: Path) -> dict[str, str]:
    """The facts of a file system's /etc/os-release."""
    lines = (root / "etc/os-release").read_text().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines) if value}


def host_suite() -> str:
    """The codename of the host's distribution; JujuError when it is neither Debian nor Ubuntu."""
    facts = os_release(Path("/"))
    if facts.get("ID") not in ("debian", "ubuntu"):
        raise JujuError(
            "machine images can be made on Debian and Ubuntu only; name an image with --constraints image-id=IMAGE"
        )
    return facts["VERSION_CODENAME"]


def resolve(name: str) -> str:
    """The image for an image-id constraint: `bookworm` is localjuju:bookworm; nothing is the default."""
    if not name:
        return f"localjuju:{host_suite()}-docker"
    return name if ":" in name or "/" in name else f"localjuju:{name}"
