"""Words that carry grammar, not content."""

# Dropped from English text. Negations and words of quantity stay in neither BM25 nor highlights: they match everywhere.
ENGLISH = frozenset(
    (
        "a about above after again against all am an and any are as at be because been before being below between both "
        "but by ca can cannot could did do does doing down during each few for from further had has have having he her here "
        "hers herself him himself his how i if in into is it its itself let me more most my myself no nor not of off on "
        "once only or other ought our ours ourselves out over own same shall she should so some such than that the their "
        "theirs them themselves then there these they this those through to too under until up upon very was we were what "
        "when where which while who whom whose why will with wo would you your yours yourself yourselves"
    ).split()
)

# Interrogatives, and the noun that stands for nothing in particular.
KOREAN = frozenset("무엇 누구 언제 어디 어느 어떤 무슨 어떻게 얼마 몇 왜 것".split())

# Function words that tell languages in Latin letters apart; words that are English too are left out.
FUNCTION_WORDS = {
    code: frozenset(words.split())
    for code, words in {
        "de": "der die das und ist ich wie nicht ein eine einen einem einer mit von auf fur für wir sie zu im den dem wird "
        "auch kann werden sind bei nach oder warum wann welche welcher meine mein haben",
        "fr": "le la les des et est une dans pour que qui sur avec pas plus au aux ce cette je nous vous il elle sont du "
        "comment quand où pourquoi quel quelle mon mes être",
        "es": "el los las y es una en para que por con del se su como cómo cuándo dónde qué quién cuál está son mi lo al pero "
        "más desde",
        "it": "il gli è e di che per con una della dei nel sono come quando dove perché quale mio mia si non più alla",
        "pt": "o os as é e um uma para que por com do da dos das em no na se como quando onde qual meu minha não mais são ao",
        "nl": "de het een en is van ik niet met voor op zijn wordt dat die aan hoe wanneer waar welke mijn ook bij naar",
        "sv": "och är att det en ett som på för med inte jag hur när var vilken min av till den",
        "pl": "i jest nie się na że do jak z w kiedy gdzie który która moje są to po",
        "tr": "ve bir bu için ile nasıl ne zaman nerede hangi değil var olarak benim mi",
        "id": "dan yang di untuk dengan adalah tidak bagaimana kapan dari ini itu pada saya",
        "vi": "và là của không các một được cho trong người như thế nào khi có",
    }.items()
}
