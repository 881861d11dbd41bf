"""From the probabilities of frames to words, and how many of them are right.

Class 0 is nothing, class d + 1 the digit d. A digit is spotted at frame t when the mean of its probability over
the last `window` frames (frames before the first count as 0) is the greatest of all digits' and at least
`threshold`, and no digit was spotted at t - `refractory` + 1 ... t - 1.
"""

from itertools import product

import numpy as np

GRID = {"window": (4, 8, 12, 16), "threshold": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "refractory": (20, 30, 40, 50)}


def spot(probabilities, window, threshold, refractory):
    """(frame, digit) of the words that are spotted; `probabilities` is (frames, 11)."""
    sums = np.cumsum(np.asarray(probabilities, np.float64)[:, 1:], 0)
    sums[window:] -= sums[:-window].copy()
    digits = sums.argmax(1)
    above = np.flatnonzero(sums.max(1) / window >= threshold)
    found, at = [], 0
    while at < len(above):
        frame = int(above[at])
        found.append((frame, int(digits[frame])))
        at = int(np.searchsorted(above, frame + refractory))
    return found


def hits(words, spotted, tolerance):
    """Whether each word was spotted, and the delay behind its end in frames (None if it was not).

    words      rows (digit, first frame, frame behind the last, ...) in order
    spotted    what `spot` gives
    tolerance  how many frames behind its end a word may be spotted

    A word takes the first spotting of its digit, not taken before, from its first frame to `tolerance` behind its
    last. Spottings that no word takes are false alarms.
    """
    found, begin, taken = [], 0, set()
    for digit, first, last, *_ in words:
        while begin < len(spotted) and spotted[begin][0] < first:
            begin += 1
        at = begin
        while at < len(spotted) and spotted[at][0] < last + tolerance:
            if spotted[at][1] == digit and at not in taken:
                taken.add(at)
                break
            at += 1
        else:
            found.append(None)
            continue
        found.append(spotted[at][0] - last)
    return found


def score(words, spotted, count, tolerance):
    """The score of a stream of `count` frames of 10 ms."""
    found = hits(words, spotted, tolerance)
    right = [delay for delay in found if delay is not None]
    return {"words": len(words), "hits": len(right), "accuracy": len(right) / len(words),
            "false_alarms": len(spotted) - len(right),
            "false_alarms_a_minute": (len(spotted) - len(right)) / (count / 6000),
            "median_delay_frames": float(np.median(right)) if right else None}


def chosen(probabilities, words, tolerance):
    """The settings of `spot` for which hits less false alarms are most. Of equals the first of GRID."""
    best, settings = None, None
    for values in product(*GRID.values()):
        asked = dict(zip(GRID, values))
        found = score(words, spot(probabilities, **asked), len(probabilities), tolerance)
        reached = found["hits"] - found["false_alarms"]
        if best is None or reached > best:
            best, settings = reached, asked
    return settings
