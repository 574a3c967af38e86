"""Words of the status page."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "status.title": ("Index status", "색인 상태"),
    "status.subtitle": ("What can be searched and asked right now.", "지금 검색하고 질문할 수 있는 범위입니다."),
    "status.ok": ("Everything is ready", "모두 준비되었습니다"),
    "status.busy.one": ("{n} document is being read", "문서 {n}개를 읽고 있습니다"),
    "status.busy.many": ("{n} documents are being read", "문서 {n}개를 읽고 있습니다"),
    "status.trouble.one": ("{n} document could not be read", "문서 {n}개를 읽지 못했습니다"),
    "status.trouble.many": ("{n} documents could not be read", "문서 {n}개를 읽지 못했습니다"),
    "status.indexed": ("Ready", "준비됨"),
    "status.pending": ("Waiting", "대기"),
    "status.failed": ("Failed", "실패"),
    "status.chunks": ("Passages", "색인된 부분"),
    "status.lag": ("Edit to searchable", "수정에서 검색까지"),
    "status.lag.none": ("No edits yet", "아직 수정 없음"),
    "status.lag.p95": ("95% within {t}", "95%가 {t} 이내"),
    "status.queue.empty": ("Empty", "비어 있음"),
    "status.queue.oldest": ("oldest waits {t}", "가장 오래된 것 {t} 대기"),
    "status.keyword": ("Keyword index behind", "단어 색인 지연"),
    "status.model": ("Embedding model", "임베딩 모델"),
    "status.failures": ("Could not be read", "읽지 못한 문서"),
    "status.failures.none": ("Nothing has failed.", "실패한 문서가 없습니다."),
    "status.tries": ("tried {n} times", "{n}번 시도"),
    "status.parked": ("no longer tried by itself", "자동 재시도 멈춤"),
    "status.retry": ("Try again", "다시 시도"),
    "status.retryall": ("Try all again", "모두 다시 시도"),
    "status.retried": ("It will be tried again now", "지금 다시 시도합니다"),
    "status.reconcile": ("Check the index", "색인 점검"),
    "status.reconcile.done": ("The index was checked: {n} repaired", "색인을 점검했습니다: {n}개 고침"),
    "status.reconcile.clean": ("The index was checked: nothing to repair", "색인을 점검했습니다: 고칠 것이 없습니다"),
}
