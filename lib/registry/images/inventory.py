"""One repository of a registry: its tags and manifests, and which belong together.

Signatures, attestations and SBOMs are dependents of an image: they are kept and deleted with it. Clients store them in
three ways: as children of its index, under tags that are made of its digest (``sha256-<hex>.sig``, ``.att``, ``.sbom``
of cosign, and ``sha256-<hex>`` of the OCI referrers fallback:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema), and as manifests with a
subject.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Set

from registry.images.manifest import Descriptor, Manifest

_DEPENDENT = re.compile(r"(sha256|sha512)-([0-9a-f]{64}(?:[0-9a-f]{64})?)(?:\.(?:sig|att|sbom))?")


def dependent_tags(digest: str) -> tuple[str, ...]:
    """Return the tags that dependents of the manifest *digest* may have."""
    tag = digest.replace(":", "-")
    return (tag, f"{tag}.sig", f"{tag}.att", f"{tag}.sbom")


def subject_of(tag: str) -> str | None:
    """Return the digest of the image that a *tag* of a dependent belongs to; None for any other tag.

    >>> subject_of("sha256-" + 64 * "0" + ".sig") == "sha256:" + 64 * "0"
    True
    """
    match = _DEPENDENT.fullmatch(tag)
    return f"{match.group(1)}:{match.group(2)}" if match else None


@dataclasses.dataclass(frozen=True)
class Repository:
    """One repository."""

    name: str
    tags: Mapping[str, str]
    """Tag to the digest of its manifest."""
    manifests: Mapping[str, Manifest] = dataclasses.field(repr=False)
    """Digest to each manifest that is known: those that the tags reach, and maybe untagged ones."""
    unread: tuple[str, ...] = ()
    """Tags, and children of manifests, whose content is damaged or not known: nobody can say what they need."""

    @property
    def images(self) -> dict[str, str]:
        """Tag to digest of all tags that are not those of dependents."""
        return {tag: digest for tag, digest in self.tags.items() if not self._is_dependent(tag)}

    @property
    def orphans(self) -> tuple[str, ...]:
        """Tags of dependents whose subject is not in the repository."""
        tags = ((tag, subject_of(tag)) for tag in self.tags)
        return tuple(tag for tag, subject in tags if subject and subject not in self.manifests)

    @property
    def selectable(self) -> dict[str, str]:
        """Tag to digest of what can be deleted or pruned on its own: `images` and `orphans`."""
        return {**self.images, **{tag: self.tags[tag] for tag in self.orphans}}

    @property
    def untagged(self) -> tuple[str, ...]:
        """Digests of known manifests that no tag reaches."""
        reached = self.closure(self.tags.values())
        return tuple(digest for digest in self.manifests if digest not in reached)

    def tags_of(self, digest: str) -> tuple[str, ...]:
        """Return the tags of the manifest *digest*."""
        return tuple(self._tags.get(digest, ()))

    def dependent_tags(self, digests: Iterable[str]) -> tuple[str, ...]:
        """Return the tags of dependents of any of *digests*."""
        return tuple(tag for digest in digests for tag in self._dependents.get(digest, ()))

    def closure(self, digests: Iterable[str]) -> frozenset[str]:
        """Return the known ones of *digests*, and all that belong to them: children, dependents, and theirs."""
        reached: set[str] = set()
        rest = list(digests)
        while rest:
            digest = rest.pop()
            manifest = self.manifests.get(digest)
            if manifest is None or digest in reached:
                continue
            reached.add(digest)
            rest += (child.digest for child in manifest.children)
            rest += (self.tags[tag] for tag in self._dependents.get(digest, ()))
            rest += self._referrers.get(digest, ())
        return frozenset(reached)

    def descendants(self, digest: str) -> list[Descriptor]:
        """Return the children of the manifest *digest* and theirs, in the order of the indexes."""
        found: dict[str, Descriptor] = {}
        rest = list(reversed(self.manifests[digest].children))
        while rest:
            child = rest.pop()
            if found.setdefault(child.digest, child) is child and child.digest in self.manifests:
                rest += reversed(self.manifests[child.digest].children)
        return list(found.values())

    def parents(self, digests: Iterable[str]) -> list[str]:
        """Return those of *digests* that belong to no other of them."""
        known = set(digests)
        belongs = {child.digest for digest in known for child in self.manifests[digest].children}
        belongs |= {digest for digest in known if self.manifests[digest].subject in known}
        return sorted(known - belongs) or sorted(known)

    def missing(self, digests: Iterable[str]) -> frozenset[str]:
        """Return the children of *digests*, and of their children, that are not in the repository."""
        known = self.closure(digests)
        return frozenset(child.digest for digest in known for child in self.manifests[digest].children) - known

    def blobs(self, digests: Iterable[str]) -> dict[str, int]:
        """Return digest to bytes of all that the manifests *digests* consist of, themselves included."""
        sizes: dict[str, int] = {}
        for manifest in (self.manifests[digest] for digest in digests if digest in self.manifests):
            sizes[manifest.digest] = manifest.size
            sizes |= {blob.digest: blob.size for blob in manifest.blobs}
        return sizes

    def _is_dependent(self, tag: str) -> bool:
        return subject_of(tag) is not None

    @functools.cached_property
    def _tags(self) -> dict[str, list[str]]:
        """Digest to its tags."""
        tags: dict[str, list[str]] = {}
        for tag, digest in self.tags.items():
            tags.setdefault(digest, []).append(tag)
        return tags

    @functools.cached_property
    def _dependents(self) -> dict[str, list[str]]:
        """Digest to the tags of its dependents."""
        tags: dict[str, list[str]] = {}
        for tag in self.tags:
            if subject := subject_of(tag):
                tags.setdefault(subject, []).append(tag)
        return tags

    @functools.cached_property
    def _referrers(self) -> dict[str, list[str]]:
        """Digest to the manifests whose subject it is."""
        digests: dict[str, list[str]] = {}
        for manifest in self.manifests.values():
            if manifest.subject:
                digests.setdefault(manifest.subject, []).append(manifest.digest)
        return digests


@dataclasses.dataclass(frozen=True)
class Removal:
    """What the removal of tags or manifests from a repository would do."""

    tags: tuple[str, ...]
    """Tags that go, those of dependents included."""
    digests: tuple[str, ...]
    """Manifests that nothing refers to afterwards."""
    shared: Mapping[str, tuple[str, ...]]
    """Selected digest to the tags that still refer to it: it stays."""
    freed: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Digest to bytes of what this repository no longer needs; other repositories may."""


def removal(repository: Repository, tags: Iterable[str], digests: Iterable[str] = ()) -> Removal:
    """Return what the removal of *tags*, and of *digests* with all their tags, would do."""
    whole = set(digests)
    named = frozenset(tags)
    gone = {tag for tag, digest in repository.selectable.items() if tag in named or digest in whole}
    selected = {repository.tags[tag] for tag in gone} | (whole & repository.manifests.keys())
    kept = {tag: digest for tag, digest in repository.selectable.items() if tag not in gone}
    # What no tag reaches now is not touched: garbage collection knows whether it is in use.
    stays = repository.closure([*kept.values(), *(set(repository.untagged) - repository.closure(whole))])
    going = repository.closure(selected) - stays
    dependents = {tag for tag in repository.dependent_tags(going) if repository.tags[tag] in going}
    shared = _holders(repository, selected & stays, kept)
    ordered = _parents_first(repository, going)
    left = repository.blobs(stays)
    freed = {digest: size for digest, size in repository.blobs(going).items() if digest not in left}
    return Removal((*sorted(gone), *sorted(dependents)), tuple(ordered), shared, freed)


def _holders(repository: Repository, digests: Set[str], kept: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the tags of *kept* whose images contain a manifest, for each of *digests*."""
    holders: dict[str, list[str]] = {digest: [] for digest in sorted(digests)}
    for tag, one in sorted(kept.items()) if digests else ():
        for digest in repository.closure([one]) & digests:
            holders[digest].append(tag)
    return {digest: tuple(tags) for digest, tags in holders.items()}


def _parents_first(repository: Repository, digests: Iterable[str]) -> list[str]:
    """Return *digests* in the order in which they can be deleted: after a crash, no index lacks a child."""
    rest, ordered = set(digests), list[str]()
    while rest:
        first = repository.parents(rest)
        ordered += first
        rest -= set(first)
    return ordered
