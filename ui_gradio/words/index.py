"""Words of the change of the embedding model."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "models.title": ("Embedding model", "임베딩 모델"),
    "models.about": (
        "A new model is built beside the one in use; search goes on meanwhile.",
        "새 모델은 쓰던 모델 옆에서 만들어지고, 그동안 검색은 계속됩니다.",
    ),
    "models.active": ("In use", "사용 중"),
    "models.dimensions": ("{n} dimensions", "{n}차원"),
    "models.begin": ("Change the model", "모델 바꾸기"),
    "models.begin.about": (
        "All documents are embedded again in the background. Nothing changes until you switch over.",
        "모든 문서를 뒤에서 다시 임베딩합니다. 전환하기 전에는 아무것도 바뀌지 않습니다.",
    ),
    "models.build": ("Start", "시작"),
    "models.model": ("Model", "모델"),
    "models.model.hint": (
        "A name of the Hugging Face hub, a path on the server, or “default”.",
        "Hugging Face 이름, 서버의 경로, 또는 “default”",
    ),
    "models.revision": ("Revision", "리비전"),
    "models.revision.hint": ("May be left empty.", "비워 두어도 됩니다."),
    "models.precision": ("Precision", "정밀도"),
    "models.precision.fp32": ("fp32: exact", "fp32: 정확함"),
    "models.precision.int8": ("int8: faster, a little less exact", "int8: 더 빠르지만 조금 덜 정확함"),
    "models.building": ("Being built", "만드는 중"),
    "models.ready": ("Ready to switch", "전환 준비됨"),
    "models.failed": ("Failed", "실패"),
    "models.rolled_back": ("Taken back", "되돌림"),
    "models.again": ("Build it again", "다시 만들기"),
    "models.begun": ("It is being built", "만들기 시작했습니다"),
    "models.progress": ("Progress", "진행률"),
    "models.done": ("{done} of {total} passages ({share})", "{total}개 가운데 {done}개 ({share})"),
    "models.eta": ("about {t} left", "약 {t} 남음"),
    "models.gate.passed": (
        "Search is as good with it as before ({n} questions).",
        "질문 {n}개로 비교했습니다. 검색 품질이 이전만큼 좋습니다.",
    ),
    "models.gate.worse": (
        "Search would get worse with it ({n} questions).",
        "질문 {n}개로 비교했습니다. 검색 품질이 나빠집니다.",
    ),
    "models.gate.vectors_worse": (
        "By meaning, far less would be found with it ({n} questions).",
        "질문 {n}개로 비교했습니다. 의미로 찾을 수 있는 것이 크게 줄어듭니다.",
    ),
    "models.gate.too_few_questions": (
        "Only {n} questions could be made of your documents: too few to tell. Try it and see; you can go back.",
        "문서에서 만들 수 있는 질문이 {n}개뿐이라 판단할 수 없습니다. 써 보고 되돌릴 수 있습니다.",
    ),
    "models.gate.measure": ("Measure", "지표"),
    "models.gate.old": ("Before", "이전"),
    "models.gate.new": ("New", "새 모델"),
    "models.gate.range": ("{low} to {high}", "{low} ~ {high}"),
    "models.gate.between": ("Difference (95%)", "차이 (95%)"),
    "models.flip": ("Switch over", "전환하기"),
    "models.flip.body": (
        "From now on “{model}” answers searches. You can go back at once.",
        "이제부터 “{model}”이(가) 검색에 쓰입니다. 바로 되돌릴 수 있습니다.",
    ),
    "models.force": ("Switch over anyway", "그래도 전환하기"),
    "models.force.worse": (
        "The comparison says that people would find less. You can go back at once.",
        "비교 결과로는 검색이 나빠집니다. 바로 되돌릴 수 있습니다.",
    ),
    "models.force.vectors_worse": (
        "The comparison says that people would find less. You can go back at once.",
        "비교 결과로는 검색이 나빠집니다. 바로 되돌릴 수 있습니다.",
    ),
    "models.force.too_few_questions": (
        "The comparison cannot tell whether search stays as good. You can go back at once.",
        "검색 품질이 그대로인지 비교로는 알 수 없습니다. 바로 되돌릴 수 있습니다.",
    ),
    "models.flipped": ("The new model is in use", "새 모델을 사용합니다"),
    "models.rollback": ("Go back to the model before", "이전 모델로 되돌리기"),
    "models.rollback.body": ("The model before answers searches again, at once.", "이전 모델이 바로 다시 쓰입니다."),
    "models.rolledback": ("The model before is in use again", "이전 모델을 다시 사용합니다"),
    "models.cleanup": ("Delete the old vectors", "이전 벡터 삭제"),
    "models.cleanup.body": (
        "The vectors of the model before are deleted. There is no way back then.",
        "이전 모델의 벡터를 삭제합니다. 그 뒤에는 되돌릴 수 없습니다.",
    ),
    "models.cleaned": ("The old vectors were deleted", "이전 벡터를 삭제했습니다"),
    "models.discard": ("Discard the change", "변경 버리기"),
    "models.discard.body": (
        "The vectors of the model that is not in use are deleted.",
        "쓰지 않는 모델의 벡터를 삭제합니다.",
    ),
    "models.discarded": ("The change was discarded", "변경을 버렸습니다"),
}
