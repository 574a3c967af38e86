"""The signs of vectors: a bit for each number, which tells at a thirtieth of the memory what is worth comparing.

The more signs two vectors share, the smaller the angle between them is likely to be (M. Charikar, "Similarity
estimation techniques from rounding algorithms", STOC 2002).
"""

import numpy as np
from numpy.typing import NDArray

Signs = NDArray[np.uint64]

_AT_ONCE = 16_384  # so that what is in between stays in the processor's cache


def signs_of(vector: NDArray[np.float32]) -> Signs:
    """Whether each number is above zero, shape (ceil(dimensions / 64),)."""
    signs = np.zeros(-(-len(vector) // 64), dtype=np.uint64)
    bits = np.packbits(vector > 0)
    signs.view(np.uint8)[: len(bits)] = bits
    return signs


def differing(signs: Signs, question: Signs) -> NDArray[np.uint16]:
    """How many signs of each vector differ from the question's; `signs` has a column for each vector, so that the same
    words of all of them lie together."""
    count = signs.shape[1]
    total = np.zeros(count, dtype=np.uint16)
    words, bits = np.empty(_AT_ONCE, dtype=np.uint64), np.empty(_AT_ONCE, dtype=np.uint8)
    for start in range(0, count, _AT_ONCE):
        sums = total[start : start + _AT_ONCE]
        some, few = words[: len(sums)], bits[: len(sums)]
        for row, word in zip(signs, question, strict=True):
            np.bitwise_xor(row[start : start + len(sums)], word, out=some)
            np.bitwise_count(some, out=few)
            np.add(sums, few, out=sums)
    return total
