"""All tables; importing this package registers every one of them."""

from core_api.models.base import Base, Identified, new_id, utcnow
from core_api.models.conversations import Conversation, ConversationMessage
from core_api.models.documents import Document, DocumentVersion, VersionText
from core_api.models.indexing import ChangeSequence, Chunk, IndexState, IndexStatus, OutboxEvent, SpaceIndex
from core_api.models.people import AuthToken, SystemRole, TokenKind, User
from core_api.models.sources import IndexedSource
from core_api.models.spaces import Space, SpaceKind, SpaceMember, SpaceRole

__all__ = [
    "AuthToken",
    "Base",
    "ChangeSequence",
    "Chunk",
    "Conversation",
    "ConversationMessage",
    "Document",
    "DocumentVersion",
    "Identified",
    "IndexState",
    "IndexStatus",
    "IndexedSource",
    "OutboxEvent",
    "Space",
    "SpaceIndex",
    "SpaceKind",
    "SpaceMember",
    "SpaceRole",
    "SystemRole",
    "TokenKind",
    "User",
    "VersionText",
    "new_id",
    "utcnow",
]
