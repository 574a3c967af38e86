"""What is said about an answer that did not come about as usual, in the asker's language."""

from assistant.models.choosing import Failure

_LIMITS = {
    "en": {
        "most_model_calls": "The limit of model calls for one answer was reached.",
        "most_tool_calls": "The limit of tool calls for one answer was reached.",
        "most_tokens": "The limit of tokens for one answer was reached.",
        "most_seconds": "The time limit for one answer was reached.",
        "most_cost": "The cost limit for one answer was reached.",
    },
    "ko": {
        "most_model_calls": "답변 하나에 허용된 모델 호출 한도에 도달했습니다.",
        "most_tool_calls": "답변 하나에 허용된 도구 호출 한도에 도달했습니다.",
        "most_tokens": "답변 하나에 허용된 토큰 한도에 도달했습니다.",
        "most_seconds": "답변 하나에 허용된 시간 한도에 도달했습니다.",
        "most_cost": "답변 하나에 허용된 비용 한도에 도달했습니다.",
    },
}
_FAILURES = {
    "en": {
        Failure.UNREACHABLE: "The language model could not be reached.",
        Failure.SLOW: "The language model did not answer in time.",
        Failure.BUSY: "The language model takes no more requests right now.",
        Failure.REFUSED: "The language model refused the request; an admin should check its settings.",
        Failure.BROKEN: "The language model's answer broke off.",
        Failure.PAUSED: "The language model has failed several times in a row and is not asked for a while.",
        Failure.UNSUPPORTED: "Nothing that the language model wrote is supported by your sources.",
    },
    "ko": {
        Failure.UNREACHABLE: "언어 모델에 연결할 수 없었습니다.",
        Failure.SLOW: "언어 모델이 제때 답하지 않았습니다.",
        Failure.BUSY: "언어 모델이 지금은 요청을 더 받지 않습니다.",
        Failure.REFUSED: "언어 모델이 요청을 거부했습니다. 관리자가 설정을 확인해야 합니다.",
        Failure.BROKEN: "언어 모델의 답변이 중간에 끊겼습니다.",
        Failure.PAUSED: "언어 모델이 잇따라 실패하여 잠시 묻지 않습니다.",
        Failure.UNSUPPORTED: "언어 모델이 쓴 내용을 뒷받침하는 자료가 없습니다.",
    },
}
_THEN = {
    "en": {
        "quoted": " This answer quotes your sources directly.",
        "partly": " The answer may be incomplete.",
        "none": "",
    },
    "ko": {
        "quoted": " 이 답변은 자료를 그대로 인용한 것입니다.",
        "partly": " 답변이 완전하지 않을 수 있습니다.",
        "none": "",
    },
}


def notice(language: str, cause: Failure | str, then: str) -> str:
    """A sentence or two. `cause`: a failure, or the limit that was reached, by the name of its option. `then`: what the
    answer is now: `quoted` by the extractive model, `partly` there, or `none`."""
    key = "ko" if language == "ko" else "en"
    words = _FAILURES[key][cause] if isinstance(cause, Failure) else _LIMITS[key][cause]
    return words + _THEN[key][then]
