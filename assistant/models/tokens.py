"""How many tokens a text has, about. Which tokeniser a model of an endpoint uses is not known here."""

# English prose has about four characters to a token; a Hangul syllable or an ideograph is a token or a little less.
_ASCII_CHARS = 4


def estimate_tokens(text: str) -> int:
    """About so many tokens; rather too many than too few."""
    plain = len(text.encode("ascii", "ignore"))
    return -(-plain // _ASCII_CHARS) + len(text) - plain


def cut_to_tokens(text: str, most: int) -> str:
    """The beginning of the text that has about `most` tokens at most."""
    if estimate_tokens(text) <= most:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate_tokens(text[:middle]) <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low]
