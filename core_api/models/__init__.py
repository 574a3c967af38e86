"""All tables; importing this package registers every one of them."""

from core_api.models.assistant import AssistantSetting, AssistantUsage
from core_api.models.audit import AuditChain, AuditEvent
from core_api.models.base import Base, Identified, new_id, utcnow
from core_api.models.conversations import (
    AnswerFeedback,
    Conversation,
    ConversationMessage,
    ConversationShare,
    GapRequest,
    GoldenQuestion,
    KnowledgeGap,
)
from core_api.models.credentials import (
    ApiKey,
    LoginSession,
    OneTimeToken,
    RecoveryCode,
    RefreshToken,
    SigningKey,
    TokenKind,
    TotpDevice,
)
from core_api.models.documents import Document, DocumentVersion, VersionText
from core_api.models.embedding_models import ActiveModel, ChangeState, IndexModel, ModelChange, ModelSource
from core_api.models.groups import Invitation, Project, Team
from core_api.models.indexing import ChangeSequence, Chunk, IndexState, IndexStatus, OutboxEvent, SpaceIndex
from core_api.models.mail import MailMessage
from core_api.models.people import Identity, SystemRole, User
from core_api.models.proposals import Proposal, Reminder
from core_api.models.search import SavedSearch, SavedSearchMatch, SearchClick, SearchLog
from core_api.models.sharing import DocumentGrant
from core_api.models.sources import IndexedSource
from core_api.models.spaces import Space, SpaceKind, SpaceMember, SpaceRole

__all__ = [
    "ActiveModel",
    "AnswerFeedback",
    "ApiKey",
    "AssistantSetting",
    "AssistantUsage",
    "AuditChain",
    "AuditEvent",
    "Base",
    "ChangeSequence",
    "ChangeState",
    "Chunk",
    "Conversation",
    "ConversationMessage",
    "ConversationShare",
    "Document",
    "DocumentGrant",
    "DocumentVersion",
    "GapRequest",
    "GoldenQuestion",
    "Identified",
    "Identity",
    "IndexModel",
    "IndexState",
    "IndexStatus",
    "IndexedSource",
    "Invitation",
    "KnowledgeGap",
    "LoginSession",
    "MailMessage",
    "ModelChange",
    "ModelSource",
    "OneTimeToken",
    "OutboxEvent",
    "Project",
    "Proposal",
    "RecoveryCode",
    "RefreshToken",
    "Reminder",
    "SavedSearch",
    "SavedSearchMatch",
    "SearchClick",
    "SearchLog",
    "SigningKey",
    "Space",
    "SpaceIndex",
    "SpaceKind",
    "SpaceMember",
    "SpaceRole",
    "SystemRole",
    "Team",
    "TokenKind",
    "TotpDevice",
    "User",
    "VersionText",
    "new_id",
    "utcnow",
]
