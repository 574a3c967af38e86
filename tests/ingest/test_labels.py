"""What of a file's own tags and category a document takes, and that a person's choice stays."""

import pytest

from ingest.text import join
from ingest.types import Block, BlockKind, Parsed
from tests.ingest.house import House

WORDS = (Block(BlockKind.PARAGRAPH, "Words."),)


def test_labels_are_lines_of_bounded_length_each_once() -> None:
    tags = (" leave ", "a\n b\x00\ud800", "leave", "\t", "x" * 64, "x" * 65, *(f"tag {n}" for n in range(60)))
    extracted = join(Parsed(WORDS, tags=tags, category=" Policies\x07 "), 100)
    assert extracted.tags[:4] == ("leave", "a b", "x" * 64, "tag 0")
    assert len(extracted.tags) == 50
    assert extracted.category == "Policies"
    assert extracted.notes == (
        "1 of its tags were left out: they have more than 64 characters.",
        "Only the first 50 of its tags were taken.",
    )


def test_a_category_that_is_too_long_is_none() -> None:
    extracted = join(Parsed(WORDS, category="x" * 65), 100)
    assert extracted.category is None
    assert extracted.notes == ("Its category was left out: it has more than 64 characters.",)


def labels(house: House, document_id: str) -> tuple[list[str], str | None]:
    house.index()
    document = house.document(document_id)
    assert document is not None
    return document.tags, document.category


def page(front: str) -> str:
    return f"---\n{front}\n---\n\nBook early.\n"


def test_a_new_version_brings_its_own_labels(house: House) -> None:
    document = house.put("a.md", page("tags: [travel, rail]\ncategory: Guides"))
    assert labels(house, document) == (["travel", "rail"], "Guides")
    house.put("a.md", page("tags: [air]"))
    assert labels(house, document) == (["air"], None)
    assert house.events() == []
    house.assert_consistent()


@pytest.mark.parametrize("when", ["uploading", "before", "after"])
def test_what_a_person_chose_stays(house: House, when: str) -> None:
    given = {"tags": ["mine"], "category": "Ours"} if when == "uploading" else {}
    document = house.put("a.md", page("tags: [travel]\ncategory: Guides"), **given)
    if when == "after":
        house.index()
    if when != "uploading":
        house.change(document, tags=["mine"], category="Ours")
    assert labels(house, document) == (["mine"], "Ours")
    house.put("a.md", page("tags: [air]\ncategory: Other"))
    assert labels(house, document) == (["mine"], "Ours")


def test_that_there_are_none_is_a_choice_too_and_each_is_chosen_by_itself(house: House) -> None:
    document = house.put("a.md", page("tags: [travel]\ncategory: Guides"))
    house.index()
    house.change(document, tags=[])
    house.put("a.md", page("tags: [air]\ncategory: Other"))
    assert labels(house, document) == ([], "Other")
    house.change(document, category="")
    house.put("a.md", page("tags: [sea]\ncategory: Third"))
    assert labels(house, document) == ([], None)


def test_a_move_or_a_new_title_leaves_labels_alone(house: House) -> None:
    document = house.put("a.md", page("tags: [travel]\ncategory: Guides"))
    house.index()
    house.change(document, title="Another", space=house.make_space("Other"))
    assert labels(house, document) == (["travel"], "Guides")
