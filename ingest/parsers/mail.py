"""E-mail: the headers that people search by, the body (plain before HTML), and the attachments as sections.

The standard library reads MIME and python-oxmsg (unstructured's own reader) reads Outlook's .msg; not through
unstructured's partitioners, which leave From, To, Date and Subject out of the text and attachments to be asked for.
"""

import email
import email.policy
import email.utils
from collections.abc import Iterator
from dataclasses import replace
from email.header import decode_header
from email.message import Message
from typing import Any

from ingest.parsers.cleaning import one_line
from ingest.parsers.encoding import declared_in_markup, decode
from ingest.parsers.plain import text_blocks
from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed, ParseFailed

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_ENCRYPTED = "The message is encrypted, so that only its recipients can read it. Save it decrypted and upload it again."


class _Found:
    """What a message turned out to hold."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.html: list[str] = []
        self.attachments: list[tuple[str, str, bytes]] = []


def parse_eml(source: Source) -> Parsed:
    """Parse an RFC 5322 message."""
    message = email.message_from_bytes(source.read(), policy=email.policy.compat32)
    return _parse_message(message, source)


def parse_msg(source: Source) -> Parsed:
    """Parse an Outlook message."""
    from oxmsg import Message as OutlookMessage

    message: Any = OutlookMessage.load(str(source.path))
    if "smime" in (message.message_class or "").lower() and "signed" not in message.message_class.lower():
        raise ParseFailed("password_protected", _ENCRYPTED)
    headers = message.message_headers or {}
    recipients = ", ".join(_address(item.name, item.email_address) for item in message.recipients)
    values = {
        "From": message.sender or headers.get("From", ""),
        "To": headers.get("To", "") or recipients,
        "Cc": headers.get("Cc", ""),
        "Date": message.sent_date.isoformat(" ", "minutes") if message.sent_date else headers.get("Date", ""),
        "Subject": message.subject or "",
    }
    found = _Found()
    if (message.body or "").strip():
        found.plain.append(message.body)
    elif message.html_body:
        found.html.append(message.html_body)
    for attachment in message.attachments:
        data = attachment.file_bytes
        if data:
            found.attachments.append((attachment.file_name or "attachment", attachment.mime_type or "", data))
    return _assemble({name: one_line(value) for name, value in values.items() if value}, found, source, "oxmsg")


def _parse_message(message: Message, source: Source) -> Parsed:
    kind = message.get_content_type()
    smime = kind in ("application/pkcs7-mime", "application/x-pkcs7-mime")
    if kind == "multipart/encrypted" or (smime and message.get_param("smime-type") != "signed-data"):
        raise ParseFailed("password_protected", _ENCRYPTED)
    values = {name: text for name in _HEADERS if (text := header_text(message, name))}
    found = _Found()
    _collect(message, found)
    parsed = _assemble(values, found, source, "email")
    if not values and not parsed.blocks:
        raise ParseFailed("no_text", "The message has neither headers nor text.")
    return parsed


def header_text(message: Message, name: str) -> str:
    """A header decoded (RFC 2047), whatever charset it claims."""
    # get() would have replaced bytes that belong to no declared charset
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return _decoded(raw) or one_line(raw)


def _decoded(raw: str) -> str:
    try:
        pieces = decode_header(_surrogates_decoded(raw))
    except (ValueError, email.errors.HeaderParseError):
        return one_line(raw)
    return one_line("".join(decode(p, c) if isinstance(p, bytes) else p for p, c in pieces))


def _surrogates_decoded(text: str) -> str:
    """Raw 8-bit bytes in a header come as surrogates from the standard library."""
    return decode(text.encode("utf-8", "surrogateescape")) if any("\udc80" <= c <= "\udcff" for c in text) else text


def _collect(part: Message, found: _Found) -> None:
    kind = part.get_content_type()
    name = part.get_filename()
    if kind == "message/rfc822":
        for inner in part.get_payload() if part.is_multipart() else []:
            if isinstance(inner, Message):
                subject = header_text(inner, "Subject") or "forwarded message"
                found.attachments.append((f"{subject}.eml", "message/rfc822", inner.as_bytes()))
        return
    if part.is_multipart():
        _collect_parts(part, found)
        return
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data.strip():
        return
    inline = part.get_content_disposition() != "attachment" and not name
    charset = part.get_content_charset()
    if inline and kind == "text/plain":
        found.plain.append(decode(data, charset))
    elif inline and kind == "text/html":
        found.html.append(decode(data, charset or declared_in_markup(data)))
    elif part.get_content_disposition() == "attachment" or (name and not part.get("Content-ID")):
        found.attachments.append((_file_name(name, kind), kind, data))


def _collect_parts(part: Message, found: _Found) -> None:
    """The parts of a multipart; of alternatives, plain text if it says anything, else HTML."""
    inner = [item for item in part.get_payload() if isinstance(item, Message)]
    if part.get_content_type() != "multipart/alternative":
        for item in inner:
            _collect(item, found)
        return
    options = _Found()
    for item in inner:
        _collect(item, options)
    if any(text.strip() for text in options.plain):
        found.plain += options.plain
    else:
        found.html += options.html
    found.attachments += options.attachments


def _file_name(name: str | None, kind: str) -> str:
    import mimetypes

    if name:
        return _decoded(name)
    return "attachment" + (mimetypes.guess_extension(kind) or "")


def _address(name: str, address: str) -> str:
    return f"{name} <{address}>" if name and address and name != address else name or address


def _assemble(values: dict[str, str], found: _Found, source: Source, parser: str) -> Parsed:
    blocks: list[Block] = []
    notes: list[str] = []
    if values:
        blocks.append(Block(BlockKind.PARAGRAPH, "\n".join(f"{name}: {value}" for name, value in values.items())))
    for text in found.plain:
        blocks += text_blocks(text)
    for markup in found.html:
        from ingest.parsers.html import html_blocks

        blocks += html_blocks(markup)
    for name, kind, data in found.attachments:
        blocks += _attachment(name, kind, data, source, notes)
    return Parsed(tuple(blocks), title=values.get("Subject"), parser=parser, notes=tuple(notes))


def _attachment(name: str, kind: str, data: bytes, source: Source, notes: list[str]) -> Iterator[Block]:
    source.budget.take_member()
    source.budget.take_bytes(len(data))
    try:
        parsed = source.parse_part(data, name, kind)
    except ParseFailed as error:
        notes.append(f"Attachment {name}: {error.detail}")
        return
    notes += [f"Attachment {name}: {note}" for note in parsed.notes]
    yield Block(BlockKind.HEADING, f"Attachment: {name}", level=1)
    for block in parsed.blocks:
        yield replace(block, level=block.level + 1) if block.kind is BlockKind.HEADING else block
