"""The image that the registry runs."""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Image:
    """The registry's image on this machine."""

    reference: str
    """The option registry-image that it belongs to."""
    id: str
    """Docker's ID, ``sha256:...``; a tag may move, this does not."""
    version: str
    """The registry's own version, e.g. ``2.8.3``."""

    @property
    def generation(self) -> int:
        """2 or 3: the form of its configuration; a tag need not show it."""
        return int(self.version.partition(".")[0])

    @property
    def deletes_tags(self) -> bool:
        """It deletes a tag and keeps its image: 2.8 refuses, and deletes an image with all of its tags only."""
        return self.generation >= 3

    @property
    def stores_empty_blobs(self) -> bool:
        """It stores an empty blob in an object store: 2.8 ends the upload without a part, or waits for segments."""
        return self.generation >= 3

    @property
    def hides_images_on_s3(self) -> bool:
        """It leaves tags and repositories out of its lists, and out of its walk for garbage, in the store S3.

        https://github.com/distribution/distribution/issues/4891, /4903; before 3.0.0 and since 3.1.2 it does not.

        >>> Image("", "", "3.1.1").hides_images_on_s3, Image("", "", "3.1.2").hides_images_on_s3
        (True, False)
        """
        return (3, 0, 0) <= tuple(map(int, re.findall(r"\d+", f"{self.version}.0.0")[:3])) < (3, 1, 2)


def version_in(output: str) -> str | None:
    """Return the version in what ``registry --version`` printed, or None if no registry printed it.

    >>> version_in("registry github.com/docker/distribution v2.8.3")
    '2.8.3'
    """
    match = re.search(r"^\S*registry \S+ v?(\d+\.\d+\S*?)(?:\+unknown)?$", output.strip(), re.MULTILINE)
    return match.group(1) if match else None
