"""Looks for what saved searches find newly, and mails those who want to know.

A search is checked against the sources that the index has taken in since it was last looked at, as its owner, with what
they may read at that moment. A check that fails is tried again later and holds up no other.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from core_api import mail
from core_api.auth.subject import Subject
from core_api.domains.saved_searches.service import due_after
from core_api.domains.users.service import as_subject
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import IndexState, IndexStatus, SavedSearch, SavedSearchMatch, User, utcnow
from retrieval import analyzer, service
from retrieval.engine import RetrievalEngine
from retrieval.query_language import parse
from retrieval.schemas import SearchFilters
from retrieval.types import Filters, Hit, Mode, Query

log = structlog.get_logger()

_PAUSE_SECONDS = 1.0
_STOP_SECONDS = 10.0
_LEASE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(hours=6)
# An import may bring news every second: what comes after a mail waits for the next one.
_BETWEEN_MAILS = timedelta(minutes=10)
_BATCH = 100
"""Sources looked at by one search."""
_KNOWN = 100
_MAILED = 10
# A passage matches with so many of the query's words, or so near to its meaning (cosine): being the best of what
# there is does not make it news.
_COVERAGE = 2 / 3
_COSINE = 0.5


class AlertChecker:
    """Checks saved searches on a thread, soon after the index has changed or when they are due."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        engine: RetrievalEngine,
        vault: Vault,
        *,
        first_pause: timedelta = timedelta(minutes=1),
    ) -> None:
        self._settings = settings
        self._database = database
        self._engine = engine
        self._vault = vault
        self._first_pause = first_pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin to check, once the index is open."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the check at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            try:
                if self._engine.ready:
                    self.check_due()
            except Exception:  # the thread must outlive a database that is away
                log.exception("saved_searches_not_checked")

    def check_due(self) -> int:
        """Check every search that is due; gives how many were."""
        position, now = self._engine.keywords.position, utcnow()
        at_changes = SavedSearch.alert.in_(("none", "instant"))
        changed = or_(SavedSearch.checked_seq < position, SavedSearch.checked_at.is_(None))
        with self._database.reading() as session:
            due = session.scalars(
                select(SavedSearch.id)
                .where(
                    or_(
                        and_(at_changes, changed, or_(SavedSearch.due_at.is_(None), SavedSearch.due_at <= now)),
                        and_(~at_changes, SavedSearch.due_at <= now),
                    )
                )
                .order_by(SavedSearch.due_at)
            ).all()
        checked = 0
        for saved_search_id in due:
            if self._stopping.is_set():
                break
            checked += self._check_one(saved_search_id, position)
        return checked

    def _check_one(self, saved_search_id: str, position: int) -> bool:
        with self._database.reading() as session:
            saved = session.get(SavedSearch, saved_search_id)
            user = session.get(User, saved.user_id) if saved is not None else None
        if saved is None or user is None or user.deleted_at is not None or not self._claim(saved):
            return False
        try:
            if user.disabled_at is None:
                with self._database.reading() as session:
                    known, found, upto = self._look(session, as_subject(user), saved, position)
            else:
                known, found, upto = [], [], position
            self._store(saved, user, known, found, upto)
        except Exception as error:  # whatever it is, the others go on
            log.warning("saved_search_not_checked", saved_search_id=saved.id, error=str(error), exc_info=True)
            self._put_off(saved)
        return True

    def _claim(self, saved: SavedSearch) -> bool:
        """Whether this process is the one that checks it now."""
        with self._database.transaction() as session:
            return (
                session.scalar(
                    update(SavedSearch)
                    .where(SavedSearch.id == saved.id, SavedSearch.due_at.is_not_distinct_from(saved.due_at))
                    .values(due_at=utcnow() + _LEASE)
                    .returning(SavedSearch.id)
                )
                is not None
            )

    def _look(
        self, session: Session, subject: Subject, saved: SavedSearch, position: int
    ) -> tuple[list[Hit], list[Hit], int]:
        """What matched already when the search was saved, what does so newly, and up to which change that holds."""
        known = []
        if saved.checked_at is None:
            hits = find_matching(session, subject, self._engine, saved, ())
            ids = [hit.source.id for hit in hits]
            older = set(
                session.scalars(
                    select(IndexState.source_id).where(
                        IndexState.source_id.in_(ids), IndexState.change_seq <= saved.checked_seq
                    )
                )
            )
            known = [hit for hit in hits if hit.source.id in older]
        found: dict[str, Hit] = {}
        upto = saved.checked_seq
        while upto < position and not self._stopping.is_set():
            rows = session.execute(
                select(IndexState.source_id, IndexState.change_seq, IndexState.status)
                .where(IndexState.change_seq > upto, IndexState.change_seq <= position)
                .order_by(IndexState.change_seq)
                .limit(_BATCH)
            ).all()
            upto = rows[-1].change_seq if len(rows) == _BATCH else position
            changed = tuple(row.source_id for row in rows if row.status == IndexStatus.INDEXED)
            if changed:
                hits = find_matching(session, subject, self._engine, saved, changed)
                found.update((hit.source.id, hit) for hit in hits)
        return known, list(found.values()), upto

    def _store(self, saved: SavedSearch, user: User, known: Sequence[Hit], found: Sequence[Hit], upto: int) -> None:
        now = utcnow()
        with self._database.transaction() as session:
            current = session.get(SavedSearch, saved.id)
            if current is None or (current.query, current.mode, current.filters) != (
                saved.query,
                saved.mode,
                saved.filters,
            ):
                if current is not None:
                    current.due_at = due_after(current.alert, now)
                return  # changed meanwhile: it begins anew
            told = set(
                session.scalars(select(SavedSearchMatch.source_id).where(SavedSearchMatch.saved_search_id == saved.id))
            )
            new = []
            for hits, is_known in ((known, True), (found, False)):
                for hit in hits:
                    if hit.source.id not in told:
                        told.add(hit.source.id)
                        session.add(
                            SavedSearchMatch(
                                saved_search_id=saved.id,
                                source_kind=hit.source.kind,
                                source_id=hit.source.id,
                                found_at=now,
                                seen_at=now if is_known else None,
                                known=is_known,
                            )
                        )
                        new.extend([] if is_known else [hit])
            current.due_at = due_after(current.alert, now)
            current.checked_at, current.checked_seq, current.failures = now, upto, 0
            if new and current.alert != "none" and user.email is not None and user.email_verified_at is not None:
                self._mail(session, current, user, new)
                current.due_at = current.due_at or now + _BETWEEN_MAILS

    def _mail(self, session: Session, saved: SavedSearch, user: User, new: Sequence[Hit]) -> None:
        titles = [f"- {hit.source.title}" for hit in new[:_MAILED]]
        titles += ["…"] if len(new) > _MAILED else []
        text = mail.render(
            "saved_search",
            user.locale,
            search=saved.name,
            count=str(len(new)),
            titles="\n".join(titles),
            link=f"{self._settings.resolved_public_url}/search?saved={saved.id}",
        )
        assert user.email is not None
        mail.queue(session, self._vault, user.email, *text)

    def _put_off(self, saved: SavedSearch) -> None:
        pause = min(self._first_pause * 2 ** min(saved.failures, 16), _LONGEST_PAUSE)
        with self._database.transaction() as session:
            session.execute(
                update(SavedSearch)
                .where(SavedSearch.id == saved.id)
                .values(due_at=utcnow() + pause, failures=saved.failures + 1)
            )


def find_matching(
    session: Session, subject: Subject, engine: RetrievalEngine, saved: SavedSearch, source_ids: tuple[str, ...]
) -> list[Hit]:
    """The best passages of the sources (of `source_ids`, where given) that match a saved search, one of each."""
    filters: Filters = SearchFilters.model_validate(saved.filters).as_filters()
    if source_ids:
        chosen = filters.source_ids
        source_ids = tuple(id_ for id_ in source_ids if id_ in chosen) if chosen else source_ids
        if not source_ids:
            return []
        filters = replace(filters, source_ids=source_ids)
    query = Query(saved.query, max(_BATCH, _KNOWN), Mode(saved.mode), filters, per_source=1, paged=True, group=True)
    result = service.search(session, subject, engine, query)
    terms = set(analyzer.analyze(parse(saved.query).text))
    return [hit for hit in result.hits if not terms or _matches(hit, terms)]


def _matches(hit: Hit, terms: set[str]) -> bool:
    there = terms & set(analyzer.analyze(f"{hit.source.title}\n{hit.heading}\n{hit.text}"))
    return len(there) >= _COVERAGE * len(terms) or hit.scores.get("semantic", 0.0) >= _COSINE
