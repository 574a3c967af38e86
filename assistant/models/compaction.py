"""What a language model sees of a conversation, bounded in tokens. Deterministic, and without a call of a model.

The question and what was found for it come first, then the latest turns word for word, then the older ones shortened to
their question and the first sentence of the answer that has a source. What has no room any more is left out.
"""

import re
from collections.abc import Callable, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from assistant.models.tokens import cut_to_tokens, estimate_tokens
from retrieval.sentences import sentence_spans

# Of the room for earlier turns, what the ones kept word for word may take.
_WHOLE_TURNS = 0.7
# Of a shortened turn: its question, and its answer.
_SHORT_TOKENS = 60
_PER_MESSAGE = 4
_MARKER = re.compile(r"\s?\[\d+\]")
# "A fact. [2] Next" -> "A fact [2]. Next": the marker belongs to the sentence before it.
_LATE_MARKER = re.compile(r"([.!?。]+)((?:\s*\[\d+\])+)")
_LEFT_OUT = "(Left out: there is no room for it any more.)"


def compact(messages: Sequence[BaseMessage], most_tokens: int, tell: Callable[[str], str]) -> list[BaseMessage]:
    """The messages, shortened until they have about `most_tokens` at most. `tell` puts the shortened turns into words
    for the model. The messages of a tool's call and its result stay together, and the last question stays."""
    if sum(map(size, messages)) <= most_tokens:
        return list(messages)
    last = max((n for n, message in enumerate(messages) if isinstance(message, HumanMessage)), default=0)
    now = _without_old_results(messages[last:], most_tokens)
    room = most_tokens - sum(map(size, now))
    whole, older = _split(messages[:last], int(room * _WHOLE_TURNS))
    room -= sum(map(size, whole))
    told = _shortened(older, room - size(HumanMessage(tell(""))))
    if not told:
        return [*whole, *now]
    first, *others = [*whole, *now]
    # Into the first message of the person: many models take no two messages of one side in a row.
    return [first.model_copy(update={"content": f"{tell(told)}\n\n{first.text}"}), *others]


def size(message: BaseMessage) -> int:
    """About so many tokens a message takes."""
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return _PER_MESSAGE + estimate_tokens(message.text) + sum(estimate_tokens(str(call["args"])) for call in calls)


def _split(messages: Sequence[BaseMessage], room: int) -> tuple[list[BaseMessage], list[BaseMessage]]:
    """The latest turns that fit whole, beginning with a person's message, and those before."""
    cut = len(messages)
    for n in range(len(messages) - 1, -1, -1):
        room -= size(messages[n])
        if room < 0:
            break
        if isinstance(messages[n], HumanMessage):
            cut = n
    return list(messages[cut:]), list(messages[:cut])


def _shortened(messages: Sequence[BaseMessage], room: int) -> str:
    lines: list[str] = []
    for message in reversed(messages):
        line = _line(message)
        room -= estimate_tokens(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(reversed(lines))


def _line(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return f"- asked: {_short(message.text)}"
    text = _LATE_MARKER.sub(r"\2\1", message.text)
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    cited = next((sentence for sentence in sentences if _MARKER.search(sentence)), sentences[0] if sentences else "")
    return f"  answered: {_short(_MARKER.sub('', cited))}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    cut = cut_to_tokens(line, _SHORT_TOKENS)
    return line if cut == line else f"{cut.rstrip()}…"


def _without_old_results(messages: Sequence[BaseMessage], most_tokens: int) -> list[BaseMessage]:
    """The messages of the turn in hand; results of tools are left out, the oldest first, until the rest has room; the
    last one is cut."""
    kept = list(messages)
    results = [n for n, message in enumerate(kept) if isinstance(message, ToolMessage)]
    for n in results:
        over = sum(map(size, kept)) - most_tokens
        if over <= 0:
            break
        content = _LEFT_OUT
        if n == results[-1]:
            content = cut_to_tokens(kept[n].text, max(0, estimate_tokens(kept[n].text) - over))
        kept[n] = kept[n].model_copy(update={"content": content})
    return kept
