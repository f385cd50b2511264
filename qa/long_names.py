"""A long name in a question that documents use, but not the one that would answer.

新业态新就业群体党建联盟 is one body: where the best sentence stands in a document that never names
it, while another one does, the question is not answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from embeddings.lexical import search_form

LEAST = 7
"""Characters in a row that are a name. Of 7,933 questions with an answer 57 hold so many of another
paragraph than their own, most of them of the same article; of five characters it is 840.
"""

_CHUNK = re.compile(r"[\u4e00-\u9fff]+")
_NOT_IN_NAMES = re.compile("[的是在有和与及为了被将把从到由对多少几哪什么谁怎何]")


def long_names(question: str) -> list[list[str]]:
    """Return the long names in a question in any script, each as all its parts in search form."""
    chunks = (_NOT_IN_NAMES.split(run) for run in _CHUNK.findall(search_form(question)))
    parts = (
        [one[at : at + LEAST] for at in range(len(one) - LEAST + 1)] for of in chunks for one in of
    )
    return [found for found in parts if found]


def stands_elsewhere(names: Sequence[Sequence[str]], said: str, others: str) -> bool:
    """Tell whether `others` hold a part of a name of which `said` holds none.

    Args:
        names: see `long_names`.
        said: the whole document that would answer, in search form.
        others: what was found in other documents, in search form.
    """
    return any(
        any(part in others for part in parts) and not any(part in said for part in parts)
        for parts in names
    )
