"""Texts for the benchmark where none are given: pages of a handbook that nobody wrote, the same ones every time."""

import random
from pathlib import Path
from re import findall

_FUNCTION = findall(
    r"\w+", "the of to and a in for is on that with as by this be are from or at an it your we can will not when"
)
_TOPICS = findall(
    r"\w+",
    "leave policy manager request approval employee team office travel expense budget invoice customer contract "
    "security incident password laptop network deploy release server database backup migration review feedback "
    "hiring interview candidate onboarding salary benefits insurance pension training mentor project milestone "
    "deadline meeting agenda minutes decision risk audit compliance privacy vendor purchase shipping warehouse "
    "support ticket escalation severity outage monitoring alert dashboard metric report forecast quarter strategy "
    "roadmap design prototype research survey usability accessibility documentation translation legal",
)
_VERBS = findall(
    r"\w+", "review submit approve update check send create share record plan explain measure store move close open"
)


def sentence(chance: random.Random, words: int = 14) -> str:
    """An English-looking sentence."""
    made = [
        chance.choice(_FUNCTION)
        if chance.random() < 0.45
        else chance.choice(_TOPICS if chance.random() < 0.8 else _VERBS)
        for _ in range(words)
    ]
    if chance.random() < 0.3:
        made.append(f"{chance.choice(_TOPICS)}-{chance.randrange(1000)}")
    return " ".join(made).capitalize() + "."


def paragraph(chance: random.Random, sentences: int = 5) -> str:
    """Sentences in a row."""
    return " ".join(sentence(chance, chance.randint(8, 20)) for _ in range(sentences))


def question(chance: random.Random) -> str:
    """A question of the kind that people ask."""
    start = chance.choice(["How do I", "Where can I", "Who has to", "When should we", "What happens if I"])
    first, second = chance.choice(_TOPICS), chance.choice(_TOPICS)
    return (
        f"{start} {chance.choice(_VERBS)} the {first} {second} for {chance.choice(_TOPICS)}-{chance.randrange(1000)}?"
    )


def write_corpus(folder: Path, documents: int, seed: int = 1) -> None:
    """Markdown pages of about 6 KB with headings and lists."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)  # noqa: S311 - the same texts every time are what is wanted
    for number in range(documents):
        parts = [f"# {chance.choice(_TOPICS).capitalize()} {chance.choice(_TOPICS)} {number}"]
        for _ in range(chance.randint(3, 7)):
            parts.append(f"## {chance.choice(_TOPICS).capitalize()} and {chance.choice(_TOPICS)}")
            parts.extend(paragraph(chance, chance.randint(3, 7)) for _ in range(chance.randint(1, 3)))
            parts.append("\n".join(f"- {sentence(chance, 9)}" for _ in range(chance.randint(0, 4))))
        (folder / f"page-{number:04}.md").write_text("\n\n".join(p for p in parts if p) + "\n", encoding="utf-8")


def text_files(folder: Path) -> list[Path]:
    """The text pages of a folder; the competitors have no parsers of their own for more."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".md", ".txt") and path.is_file())
