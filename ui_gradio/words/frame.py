"""Words of the frame: navigation, the pages around the app, and what all pages say."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "app.name": ("Nexus Stream", "넥서스 스트림"),
    # pages around the app
    "starting.title": ("Just a moment", "잠시만 기다려 주세요"),
    "starting.body": (
        "Nexus Stream is starting. This page opens by itself.",
        "시작하고 있습니다. 준비되면 저절로 열립니다.",
    ),
    "failed.title": ("The web app could not start", "웹 앱을 시작하지 못했습니다"),
    "failed.body": (
        "The server's log says why. The API and the command line work in the meantime.",
        "이유는 서버 로그에 있습니다. 그동안 API와 명령줄은 쓸 수 있습니다.",
    ),
    "unreachable.title": ("The server did not answer", "서버가 응답하지 않습니다"),
    "unreachable.body": ("Wait a moment, then try again.", "잠시 뒤에 다시 시도해 주세요."),
    "lost.title": ("There is nothing here", "이 주소에는 아무것도 없습니다"),
    "lost.body": ("The page may have been deleted, or the address is wrong.", "지워졌거나 주소가 잘못되었습니다."),
    "lost.home": ("Go to the start", "처음으로"),
    "again": ("Try again", "다시 시도"),
    # navigation
    "nav.label": ("Main", "주 메뉴"),
    "nav.ask": ("Ask", "질문"),
    "nav.search": ("Search", "검색"),
    "nav.knowledge": ("Knowledge", "지식"),
    "nav.status": ("Status", "상태"),
    "nav.find": ("Search or ask", "검색 또는 질문"),
    "nav.skip": ("Skip to the content", "본문으로 건너뛰기"),
    "account.label": ("Account and appearance", "계정과 화면"),
    "account.theme": ("Appearance", "화면"),
    "account.theme.auto": ("System", "시스템"),
    "account.theme.light": ("Light", "밝게"),
    "account.theme.dark": ("Dark", "어둡게"),
    "account.language": ("Language", "언어"),
    "account.signout": ("Sign out", "로그아웃"),
    # general
    "close": ("Close", "닫기"),
    "cancel": ("Cancel", "취소"),
    "delete": ("Delete", "삭제"),
    "retry": ("Try again", "다시 시도"),
    "more": ("Show more", "더 보기"),
    "list": ("List", "목록"),
    "now": ("just now", "방금"),
    "loading": ("Loading", "불러오는 중"),
    "problem.title": ("That did not work", "처리하지 못했습니다"),
    "problem.unreachable": (
        "The server did not answer. Check that it is running, then try again.",
        "서버가 응답하지 않습니다. 서버가 켜져 있는지 확인하고 다시 시도해 주세요.",
    ),
    "problem.missing.title": ("Not found", "찾을 수 없습니다"),
    "problem.missing": ("It has been deleted, or you may not see it.", "지워졌거나 볼 수 있는 권한이 없습니다."),
    "problem.forbidden.title": ("You may not do this", "권한이 없습니다"),
    "problem.forbidden": ("Ask an owner of the space or an administrator.", "스페이스 소유자나 관리자에게 문의하세요."),
    "space.all": ("All spaces", "모든 스페이스"),
    "documents.one": ("{n} document", "문서 {n}개"),
    "documents.many": ("{n} documents", "문서 {n}개"),
    # the global box
    "palette.placeholder": ("Search, or ask a question", "검색하거나 질문하세요"),
    "palette.ask": ("Ask", "질문"),
    "palette.askq": ("Ask “{q}”", "“{q}” 질문하기"),
    "palette.searchq": ("All results for “{q}”", "“{q}” 검색 결과 모두 보기"),
    "palette.documents": ("Documents", "문서"),
    "palette.passages": ("Passages", "내용"),
    "palette.go": ("Go to", "이동"),
}
