"""Small pictures for multilayer perceptrons: MNIST, SVHN, and digits moved about as a stand-in for SVHN.

Every loader returns `Images`: parts `train`, `validation`, `test`, pictures [N, d] in float32, classes [N].
"""

import gzip
import os
import struct
from typing import NamedTuple

import numpy as np

import inputs


class Part(NamedTuple):
    pictures: np.ndarray
    classes: np.ndarray


class Images(NamedTuple):
    """name says in records and tables what was trained on; data is name and fingerprint of the files' pictures."""
    name: str
    train: Part
    validation: Part
    test: Part
    data: dict


def load(kind, folder, seed=1):
    """The set `mnist`, `moved` or `svhn` of the files in `folder`; `seed` makes or splits the latter two."""
    if kind == "mnist":
        return mnist(folder)
    if kind == "svhn":
        return svhn(folder, seed)
    if kind == "moved":
        return moved_digits(folder, seed)
    raise ValueError(f"no set of pictures is called {kind!r}: mnist, moved, svhn")


def read_idx(path):
    """An idx file of bytes, as it is or with .gz behind its name; returns uint8 of the shape it states."""
    if os.path.exists(path):
        opened = open(path, "rb")
    elif os.path.exists(path + ".gz"):
        opened = gzip.open(path + ".gz", "rb")
    else:
        raise SystemExit(f"{path} is not there (nor {os.path.basename(path)}.gz); "
                         "name the folder of MNIST's idx files")
    with inputs.reading(opened.name, "put back MNIST's file"), opened as file:
        data = file.read()
    if len(data) < 4 or data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        raise SystemExit(f"{path} is no idx file of bytes: it begins with {data[:4].hex()}")
    shape = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if values.size != np.prod(shape):
        raise SystemExit(f"{path} states {' x '.join(map(str, shape))} values and has {values.size}")
    return values.reshape(shape)


def _digits(folder):
    """MNIST's bytes: the last sixth of the training pictures is for validation."""
    parts = []
    for name in ("train", "t10k"):
        pictures = read_idx(os.path.join(folder, f"{name}-images-idx3-ubyte"))
        classes = read_idx(os.path.join(folder, f"{name}-labels-idx1-ubyte")).astype(np.int64)
        if pictures.shape[1:] != (28, 28) or classes.shape != pictures.shape[:1] or not len(classes):
            raise SystemExit(f"{folder}: {name} has pictures {pictures.shape} and labels {classes.shape}; "
                             "MNIST has pictures of 28 x 28 with a label each")
        if classes.max() > 9:
            raise SystemExit(f"{os.path.join(folder, name)}-labels-idx1-ubyte: label {classes.argmax() + 1} is "
                             f"{classes.max()}; MNIST has 0 to 9")
        parts.append(Part(pictures, classes))
    train, test = parts
    cut = len(train.classes) - len(train.classes) // 6
    return (Part(train.pictures[:cut], train.classes[:cut]),
            Part(train.pictures[cut:], train.classes[cut:]), test)


def mnist(folder):
    """28 x 28 digits as 784 values x / 128 - 1: 50,000, 10,000 and 10,000."""
    digits = _digits(folder)
    flat = (Part(p.pictures.reshape(len(p.classes), -1).astype(np.float32) / 128 - 1, p.classes) for p in digits)
    return Images("MNIST", *flat, _data(folder, digits))


def _data(folder, parts):
    """Name and fingerprint, for `Run`, of pictures as they are in their files: the same on every machine."""
    sizes = " + ".join(str(len(part.classes)) for part in parts)
    return inputs.data(f"{os.path.basename(os.path.abspath(folder))}, {sizes} pictures", *(a for p in parts for a in p))


def svhn(folder, seed=1):
    """House numbers, `train_32x32.mat` and `test_32x32.mat`: grey, 1,024 values, each by its mean and
    deviation over the training part. 15 % of the training pictures, drawn by `seed`, are for validation."""
    stored = [_read_svhn(os.path.join(folder, f"{name}_32x32.mat")) for name in ("train", "test")]
    train, test = (Part(_grey(part.pictures), part.classes % 10) for part in stored)
    order = np.random.default_rng(seed).permutation(len(train.classes))
    cut = len(order) - round(0.15 * len(order))
    return _standardised("SVHN, grey", _data(folder, stored),
                         Part(train.pictures[order[:cut]], train.classes[order[:cut]]),
                         Part(train.pictures[order[cut:]], train.classes[order[cut:]]), test)


def _read_svhn(path):
    """X as it is stored, [32, 32, 3, N] in bytes, with y [N], where 10 is the digit 0."""
    from scipy.io import loadmat
    with inputs.reading(path, "it is one of SVHN's files of cropped digits (format 2)"):
        # loadmat puts .mat behind a name that is not there, and takes that.
        with open(path, "rb") as file:
            stored = loadmat(file)
    if "X" not in stored or "y" not in stored or stored["X"].shape[:3] != (32, 32, 3) or stored["X"].ndim != 4:
        raise SystemExit(f"{path} has no X of 32 x 32 x 3 x N with y")
    classes = stored["y"].reshape(-1).astype(np.int64)
    wrong = np.flatnonzero((classes < 1) | (classes > 10))
    if len(classes) != stored["X"].shape[3] or len(wrong):
        bad = f", and label {wrong[0] + 1} is {classes[wrong[0]]}; SVHN has 1 to 10" if len(wrong) else ""
        raise SystemExit(f"{path} has {stored['X'].shape[3]} pictures and {len(classes)} labels{bad}")
    return Part(stored["X"], classes)


def _grey(pictures):
    weighed = np.tensordot(pictures.astype(np.float32), np.float32([0.299, 0.587, 0.114]), ([2], [0]))
    return np.moveaxis(weighed, -1, 0)


def _standardised(name, data, *parts):
    """Each pixel by its mean and deviation over the first part; a pixel that never changes becomes 0."""
    flat = [Part(p.pictures.reshape(len(p.classes), -1).astype(np.float32), p.classes) for p in parts]
    mean, deviation = flat[0].pictures.mean(0), flat[0].pictures.std(0)
    scale = np.where(deviation > 0, 1 / np.maximum(deviation, 1e-6), 0).astype(np.float32)
    return Images(name, *(Part((p.pictures - mean) * scale, p.classes) for p in flat), data)


def moved_digits(folder, seed=1):
    """The stand-in for SVHN, which it is not: MNIST's digits, each turned by up to 30 degrees, scaled by 0.7
    to 1.1, shifted by up to 4 pixels, on 32 x 32 with pieces of other digits and noise behind it."""
    random = np.random.default_rng(seed)
    digits = _digits(folder)
    parts = [Part(_moved(p.pictures, random), p.classes) for p in digits]
    return _standardised("moved digits (stand-in for SVHN)", _data(folder, digits), *parts)


def _moved(digits, random, at_once=5_000):
    moved = np.empty((len(digits), 32, 32), np.float32)
    for begin in range(0, len(digits), at_once):
        some = digits[begin:begin + at_once].astype(np.float32) / 255
        n = len(some)
        front = _affine(some, random.uniform(-np.pi / 6, np.pi / 6, n), random.uniform(0.7, 1.1, n),
                        random.uniform(-4, 4, (n, 2)))
        behind = np.zeros_like(front)
        for _ in range(2):
            away = random.uniform(10, 16, (n, 2)) * random.choice([-1, 1], (n, 2))
            piece = _affine(some[random.permutation(n)], random.uniform(-np.pi, np.pi, n),
                            random.uniform(0.5, 1.0, n), away)
            behind = np.maximum(behind, piece * random.uniform(0.2, 0.7, (n, 1, 1)).astype(np.float32))
        noise = random.normal(0, 0.08, front.shape).astype(np.float32)
        moved[begin:begin + n] = np.maximum(front, behind) + noise
    return moved


def _affine(pictures, angle, scale, shift):
    """[n, 28, 28] -> [n, 32, 32], turned, scaled and shifted about the centre, bilinear, 0 outside."""
    n, side, _ = pictures.shape
    y, x = np.mgrid[0:32, 0:32].reshape(2, 1, -1) - 15.5
    y, x = y - shift[:, :1], x - shift[:, 1:]
    cos, sin = (np.cos(angle) / scale)[:, None], (np.sin(angle) / scale)[:, None]
    row, column = cos * y - sin * x + (side - 1) / 2, sin * y + cos * x + (side - 1) / 2
    edged = np.pad(pictures, ((0, 0), (1, 1), (1, 1))).reshape(n, -1)
    row, column = np.clip(row + 1, 0, side + 1 - 1e-3), np.clip(column + 1, 0, side + 1 - 1e-3)
    top, left = row.astype(np.int64), column.astype(np.int64)
    down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
    at = top * (side + 2) + left
    take = lambda k: np.take_along_axis(edged, at + k, 1)
    upper = take(0) * (1 - right) + take(1) * right
    lower = take(side + 2) * (1 - right) + take(side + 3) * right
    return (upper * (1 - down) + lower * down).reshape(n, 32, 32)
