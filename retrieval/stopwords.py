"""Words that carry grammar, not content."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Dropped from English text; the last line is what apostrophes leave of "won't", "can't".
ENGLISH = _words(
    """
    a about above after again against all am an and any are as at be because been before being below between both
    but by can cannot could did do does doing down during each few for from further had has have having he her here
    hers herself him himself his how i if in into is it its itself let me more most my myself no nor not of off on
    once only or other ought our ours ourselves out over own same shall she should so some such than that the their
    theirs them themselves then there these they this those through to too under until up upon very was we were
    what when where which while who whom whose why will with would you your yours yourself yourselves
    ca wo
    """
)

# Interrogatives, and the noun that stands for nothing in particular.
KOREAN = _words("무엇 누구 언제 어디 어느 어떤 무슨 어떻게 얼마 몇 왜 것")

KOREAN_PARTICLES = _words(
    """
    은 는 이 가 을 를 의 에 와 과 도 로 만 나 며 고 에서 에게 에는 에도 으로 부터 까지 보다 처럼 마다 조차 마저 밖에
    이나 이며 이고 하고 이랑 랑 께서 께 한테 이라 라고 이라고 라는 이라는 으로서 로서 으로써 로써 에서는 에서의 에서도
    으로는 이다 였다 이었다 입니다 인가 인가요 이란 란 이라면 라면 들 들이 들은 들을 들의 들에 들에게 으로부터 로부터
    대로 만이 만을
    """
)

# Function words that tell languages in Latin letters apart.
FUNCTION_WORDS = {
    "de": _words(
        """
        der die das und ist ich wie nicht ein eine einen einem einer mit von auf für wir sie zu im den dem wird auch
        kann werden sind bei nach oder warum wann welche welcher meine mein haben
        """
    ),
    "fr": _words(
        """
        le la les des et est une dans pour que qui sur avec pas plus au aux ce cette je nous vous il elle sont du
        comment quand où pourquoi quel quelle mon mes être
        """
    ),
    "es": _words(
        """
        el los las y es una en para que por con del se su como cómo cuándo dónde qué quién cuál está son mi lo al pero
        más desde
        """
    ),
    "it": _words(
        """
        il gli è e di che per con una della dei nel sono come quando dove perché quale mio mia si non più alla
        """
    ),
    "pt": _words(
        """
        o os as é e um uma para que por com do da dos das em no na se como quando onde qual meu minha não mais são ao
        """
    ),
    "nl": _words(
        "de het een en is van ik niet met voor op zijn wordt dat die aan hoe wanneer waar welke mijn ook bij naar"
    ),
    "sv": _words("och är att det en ett som på för med inte jag hur när var vilken min av till den"),
    "pl": _words("i jest nie się na że do jak z w kiedy gdzie który która moje są to po"),
    "tr": _words("ve bir bu için ile nasıl ne zaman nerede hangi değil var olarak benim mi"),
    "id": _words("dan yang di untuk dengan adalah tidak bagaimana kapan dari ini itu pada saya"),
    "vi": _words("và là của không các một được cho trong người như thế nào khi có"),
}
