"""What an answer may be made of: plain words, lists, **bold**, `code`, citation marks. No pictures, links or tags.

Clients draw answers as Markdown or HTML. A picture would be fetched, and tell its host what the address carries; a link
would lead where a document wants the reader to go. The way to a source is its citation.
"""

import re

from assistant.wording.untrusted import visible

_IMAGE = re.compile(r"!\[([^\[\]]*)\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\]\n]*\])")
_LINK = re.compile(r"(?<!!)\[([^\[\]]+)\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\]\n]*\])")
_DEFINITION = re.compile(r"^[ ]{0,3}\[[^\]\n]+\]:[ \t]*\S+.*$", re.MULTILINE)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_TAG = re.compile(r"<[/!?]?[A-Za-z][^<>\n]*>?")
# A scheme that runs or holds something, where it would be read as one: not in "data: five rows".
_SCHEME = re.compile(r"\b(javascript|vbscript|data|file|blob|about|view-source)(?:\s|&\w+;)*:(?=\S)", re.IGNORECASE)
_MOST_ROUNDS = 4  # links inside links


def safe_text(text: str) -> str:
    """`text` with nothing in it that a client would fetch, follow or run. Links and pictures leave their words, tags
    are shown as code, what no reader sees is gone. Addresses stay as text."""
    text = _COMMENT.sub("", visible(text))
    text = _DEFINITION.sub("", text)
    for _ in range(_MOST_ROUNDS):
        plainer = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
        if plainer == text:
            break
        text = plainer
    text = text.replace("![", "[")
    text = re.sub(r"\](?=[(\[](?!\d))", "] ", text)  # what is left of a link that was not closed
    text = _AUTOLINK.sub(r"\1", text)
    kept: list[str] = []
    at = 0
    for code in _CODE.finditer(text):
        kept += [_without_tags(text[at : code.start()]), code.group()]
        at = code.end()
    return _SCHEME.sub(r"\1: ", "".join([*kept, _without_tags(text[at:])]))


def _without_tags(text: str) -> str:
    return _TAG.sub(lambda tag: f"`{tag.group().replace('`', '')}`", text)
