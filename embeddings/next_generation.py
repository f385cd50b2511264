"""The next generation of an index: a change of the published one where that is less, else whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from embeddings.catalogue import Catalogue, FileRecord
from embeddings.encoder import Encoder
from embeddings.errors import IndexFolderError
from embeddings.generation import write_generation
from embeddings.grown import grow_generation
from embeddings.growth import Growth, planned
from embeddings.lexical import Tokenizer
from embeddings.opened import Generation
from embeddings.store import IndexFolder, Manifest
from embeddings.wanted import Wanted
from embeddings.words import KnownWords


class NextGeneration:
    """What is written once every text has its vector.

    Args:
        index: the index folder.
        catalogue: holds all documents.
        encoder: makes the vectors.
        tokenizer: makes the words.
        segmenter: version of the rules by which documents were taken apart.
        files: what became of each file.
    """

    def __init__(
        self,
        index: IndexFolder,
        catalogue: Catalogue,
        encoder: Encoder,
        tokenizer: Tokenizer,
        segmenter: str,
        files: Sequence[FileRecord],
    ) -> None:
        self._index, self._catalogue = index, catalogue
        self._encoder, self._tokenizer, self._segmenter = encoder, tokenizer, segmenter
        self._held = {file.source: file.document for file in files if file.document}
        self._growth = self._planned()

    def _planned(self) -> Growth | None:
        """Return the change that the published generation needs; None to write all of it."""
        before = self._published()
        if before is None:
            return None
        growth = None
        try:
            if self._same_rules(before.manifest):
                growth = planned(before, self._held, self._catalogue, self._encoder)
        finally:
            if growth is None:
                before.close()
        return growth

    def _published(self) -> Generation | None:
        """Return the generation that the last build published, if it is there and whole.

        A build that was cut off may have noted that it publishes, or not yet that it did.
        """
        noted = (self._catalogue.get("published") or "").partition(" ")[0]
        accepted = self._catalogue.get("accepted")
        current = self._index.current_number()
        if not noted or str(current) not in (noted, accepted):
            return None
        try:
            return Generation(self._index.current())
        except IndexFolderError:
            return None

    def _same_rules(self, manifest: Manifest) -> bool:
        wanted = (self._encoder.fingerprint, self._tokenizer.fingerprint, self._segmenter)
        return (manifest.fingerprint, manifest.tokenizer, manifest.segmenter) == wanted

    def wanted(self) -> Wanted:
        """Return the texts that need vectors."""
        if self._growth is None:
            return Wanted(self._catalogue, self._encoder)
        places = (places[0] for places in self._growth.rows)
        return Wanted(self._catalogue, self._encoder, places)

    @property
    def documents(self) -> int:
        """How many documents are written."""
        if self._growth is None:
            return len(set(self._held.values()))
        return len(self._growth.documents)

    def write(self, folder: Path, number: int, on_document: Callable[[], None]) -> Manifest:
        """Write the generation into an unpublished folder; see `generation.write_generation`."""
        words = self._words = KnownWords(self._catalogue, self._tokenizer)
        what = (folder, number, self._catalogue, self._encoder, words)
        if self._growth is None:
            made = write_generation(*what, segmenter=self._segmenter, on_document=on_document)
        else:
            with closing(self._growth.before):
                made = grow_generation(
                    *what, self._growth, segmenter=self._segmenter, on_document=on_document
                )
        words.keep()
        return made

    def forget_others(self, wanted: Wanted) -> None:
        """Forget what no generation needs any more; a change leaves that to the next whole one."""
        if self._growth is None:
            wanted.forget_others()
            self._words.forget_others()
