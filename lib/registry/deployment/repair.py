"""The repair of damaged images with content from another registry."""

from __future__ import annotations

from collections.abc import Iterator

from registry.client.content import Content
from registry.client.http import ApiError
from registry.client.transfer import Copier, Source
from registry.deployment.verification import Files
from registry.images import damage
from registry.images.damage import Damage
from registry.images.manifest import BadManifest
from registry.machine.content_files import WrongContent


class Repair:
    """Repairs what is damaged in *registry* with what *source* has under the same names.

    *registry* must have no cache, and accept changes; *files* are its content, if that is on this machine.
    """

    def __init__(self, source: Source, registry: Content, files: Files | None) -> None:
        self._source = source
        self._registry = registry
        self._files = files

    def repair(self, found: Damage) -> str:
        """Repair what can be repaired now; return why that is nothing, "" if it is something. Raises OSError.

        More can be damaged: what a manifest refers to is known only when it can be read.
        """
        name = found.repository
        try:
            if found.state in damage.REPLACED:
                if self._files is None:
                    return f"delete the object {damage.path(found.name)} in the object store, then run the action again"
                self._files.replace(found.name, self._content(found))
            elif found.kind == damage.BLOB:
                self._registry.put_blob(name, found.part, self._source.blob(name, found.name))
            else:
                tags = [found.name] if found.kind == damage.TAG else []
                Copier(self._source, self._registry).copy(name, found.name, name, tags)
        except (ApiError, BadManifest, WrongContent) as error:
            return str(error)
        return ""

    def _content(self, found: Damage) -> Iterator[bytes]:
        if found.kind == damage.BLOB:
            return self._source.blob(found.repository, found.name)
        document = self._source.document(found.repository, found.name)
        if document is None:
            raise ApiError(f"the other registry has no {found.repository}@{found.name}")
        return iter((document.data,))
