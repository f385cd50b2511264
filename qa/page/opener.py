"""The button that opens a reference in the source panel; every view uses it."""

from __future__ import annotations

from qa.page.markup import Attribute, Markup, element
from qa.page.references import Reference, reference_data


def opener(reference: Reference, label: str, class_: str, /, **attributes: Attribute) -> Markup:
    """Return a button that shows `label` and opens `reference` beside the view."""
    return element(
        "button",
        label,
        type="button",
        class_=class_,
        data_act="open",
        data_reference=reference_data(reference),
        **attributes,
    )
