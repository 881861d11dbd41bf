"""What the programs are given, and how they refuse it: each in one line that names the culprit and the cure."""

import argparse
import contextlib
import hashlib

import numpy as np


@contextlib.contextmanager
def reading(path, cure):
    """Around the reading of one file: whatever goes wrong ends the program with the file's name and `cure`."""
    try:
        yield
    except FileNotFoundError:
        raise SystemExit(f"{path} is not there; {cure}") from None
    except OSError as e:
        raise SystemExit(f"{path} cannot be read ({e.strerror or e}); {cure}") from None
    # Archives, pickles and tables fail in as many ways as there are modules below them.
    except Exception as e:
        said = " ".join(str(e).split())[:160]
        raise SystemExit(f"{path} is damaged, or another kind of file "
                         f"({type(e).__name__}{': ' if said else ''}{said}); {cure}") from None


def count(text):
    """Type of arguments that count something: a whole number from 1."""
    return _whole(text, 1)


def count_or_none(text):
    """Type of arguments that count something, where 0 stands for all or for none of it."""
    return _whole(text, 0)


def _whole(text, least):
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
    return int(text)


def data(name, *parts):
    """What a training was made on, as `Run` keeps it: a name for messages, and a fingerprint of arrays and words.

    A part is an array, a tensor, or a list of words.
    """
    digest = hashlib.sha256()
    for part in parts:
        words = isinstance(part, list)
        array = np.frombuffer("\n".join(part).encode(), np.uint8) if words else np.ascontiguousarray(part)
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return {"name": name, "fingerprint": digest.hexdigest()[:16]}
