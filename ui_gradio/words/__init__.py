"""Every word that people read in the web app, in English and Korean; one module for each part of it.

The pages made in Python use `word`; the browser's modules get the same catalogue as `/ui/catalogue.js`. `{name}` is
filled in. Where English needs a singular, the entry has two keys: `x.one` and `x.many`.
"""

import json

from ui_gradio.words import (
    account,
    admin,
    asking,
    assistant,
    documents,
    entrance,
    frame,
    groups,
    index,
    review,
    searching,
    status,
)

LANGUAGES = ("en", "ko")

CATALOGUE: dict[str, tuple[str, str]] = {
    key: words
    for part in (
        frame,
        entrance,
        asking,
        status,
        searching,
        documents,
        index,
        account,
        groups,
        admin,
        review,
        assistant,
    )
    for key, words in part.WORDS.items()
}


def language_of(accept_language: str) -> str:
    """The first language of an Accept-Language header that the catalogue has; English otherwise."""
    for part in accept_language.split(","):
        tag = part.split(";")[0].strip().lower().split("-")[0]
        if tag in LANGUAGES:
            return tag
    return LANGUAGES[0]


def word(key: str, language: str, **values: object) -> str:
    """The words of `key` in `language`, with its blanks filled in."""
    words = CATALOGUE[key][LANGUAGES.index(language)]
    for name, value in values.items():
        words = words.replace(f"{{{name}}}", str(value))
    return words


def catalogue_module() -> str:
    """The catalogue as a JavaScript module: `export default {key: [en, ko], ...}`."""
    return f"export default {json.dumps(CATALOGUE, ensure_ascii=False)};\n"
