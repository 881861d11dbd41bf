"""Running audio with spoken digits in it, and its frames.

Recordings are those of the Free Spoken Digit Dataset: wav files DIGIT_SPEAKER_INDEX.wav of 8 kHz, 16 bit, one
channel, cut at the word's ends. A stream has words one after another with pauses between them, and noise
throughout. A frame is 40 log-mel values of 25 ms, one every 10 ms.
"""

import io
import os
import tarfile
import wave

import numpy as np
import torch

RATE = 8000
HOP, WINDOW, FFT = 80, 200, 512
MELS = 40
LEVEL = 0.05  # root mean square of a word at gain 1; 1 is full scale
FLOOR = 1e-3  # energy of a band, some 30 dB below a word's: what lies lower tells microphones apart, not digits


class Recordings:
    """Words by speaker: `words[speaker]` is a list of (digit, samples), in the order of the file names.

    source  the archive, or a folder with the wav files
    """

    def __init__(self, source):
        self.words = {}
        for name, data in sorted(_files(source)):
            parts = os.path.basename(name)[:-4].split("_")
            if len(parts) != 3 or parts[0] not in list("0123456789"):
                raise SystemExit(f"{name} is not named DIGIT_SPEAKER_INDEX.wav")
            self.words.setdefault(parts[1], []).append((int(parts[0]), _samples(name, data)))
        if not self.words:
            raise SystemExit(f"{source} holds no wav files; give recordings.tar.gz or the folder it unpacks to")
        self.speakers = sorted(self.words)

    def held_out(self, fold, folds):
        """The speakers who do not train in this fold. Every speaker is held out in one fold."""
        if not 0 <= fold < folds <= len(self.speakers):
            raise SystemExit(f"fold {fold} of {folds}: there are {len(self.speakers)} speakers")
        return self.speakers[fold::folds]

    def of(self, speakers):
        """(digit, samples, speaker) of all words of some speakers."""
        return [(digit, samples, speaker) for speaker in speakers for digit, samples in self.words[speaker]]


def _files(source):
    if os.path.isdir(source):
        for name in os.listdir(source):
            if name.endswith(".wav"):
                with open(os.path.join(source, name), "rb") as file:
                    yield name, file.read()
    else:
        with tarfile.open(source) as archive:
            for member in archive:
                if member.name.endswith(".wav"):
                    yield member.name, archive.extractfile(member).read()


def _samples(name, data):
    with wave.open(io.BytesIO(data)) as file:
        if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (RATE, 2, 1):
            raise SystemExit(f"{name} is not 8 kHz, 16 bit, one channel")
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    if not found.any():
        raise SystemExit(f"{name} is silent")
    return found


def stream(words, random, pauses, noises, segment, long_pauses=0.0, vary=False):
    """Makes one stream.

    words        (digit, samples, speaker), in the order in which they are spoken
    random       a numpy Generator
    pauses       (shortest, longest) in seconds, uniform
    noises       a function of `random` that gives the words' level over the noise's in dB
    segment      how many words have the same noise
    long_pauses  the share of pauses that last 2 to 4 s
    vary         whether words are spoken higher or lower, quicker or slower, louder or softer

    Returns the samples, and the words as rows (digit, first sample, sample behind the last, dB, place in `words`).
    """
    parts, rows, at = [], [], 0
    for begin in range(0, len(words), segment):
        decibels = noises(random)
        spoken = []
        for place in range(begin, min(begin + segment, len(words))):
            length = random.uniform(2, 4) if random.random() < long_pauses else random.uniform(*pauses)
            pause = np.zeros(int(length * RATE), np.float32)
            word = _spoken(words[place][1], random, vary)
            start = at + sum(map(len, spoken)) + len(pause)
            rows.append((words[place][0], start, start + len(word), decibels, place))
            spoken += [pause, word]
        audio = np.concatenate(spoken)
        at += len(audio)
        parts.append(audio + _noise(len(audio), random) * np.float32(LEVEL * 10 ** (-decibels / 20)))
    return np.concatenate(parts), rows


def _spoken(samples, random, vary):
    if vary:
        speed = random.uniform(0.85, 1.18)
        places = np.arange(0, len(samples) - 1, speed)
        samples = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
        samples = _coloured(samples, random)
    gain = random.uniform(-8, 8) if vary else random.uniform(-4, 4)
    samples = samples * np.float32(LEVEL * 10 ** (gain / 20) / np.sqrt(np.mean(samples ** 2)))
    edge = min(40, len(samples) // 2)
    samples[:edge] *= np.linspace(0, 1, edge, dtype=np.float32)
    samples[len(samples) - edge:] *= np.linspace(1, 0, edge, dtype=np.float32)
    return samples


def _coloured(samples, random):
    """The word as another microphone and throat might give it: bands made louder or softer, of 5 dB deviation."""
    size = 1 << (len(samples) - 1).bit_length()
    at = np.linspace(0, 1, size // 2 + 1) ** 0.5
    decibels = np.interp(at, np.linspace(0, 1, 7), random.normal(0, 5, 7))
    return np.fft.irfft(np.fft.rfft(samples, size) * 10 ** (decibels / 20), size)[:len(samples)].astype(np.float32)


def _noise(length, random):
    """Noise of root mean square 1 whose power falls with frequency, by f^-a with a random a."""
    size = 1 << (length - 1).bit_length()  # transforms of other lengths can be many times slower
    spectrum = np.fft.rfft(random.standard_normal(size, np.float32))
    frequencies = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 50)
    found = np.fft.irfft(spectrum * frequencies ** (-random.uniform(0, 1.5) / 2), size)[:length]
    return (found / np.sqrt(np.mean(found ** 2))).astype(np.float32)


def frames(samples):
    """(frames, 40) log-mel values of samples. Frame t reads the WINDOW samples from t HOP on."""
    cut = torch.as_tensor(samples).unfold(0, WINDOW, HOP)
    found = torch.empty(len(cut), MELS)
    for at in range(0, len(cut), 4096):
        spectrum = torch.fft.rfft(cut[at:at + 4096] * _HANN, FFT)
        found[at:at + 4096] = torch.log((spectrum.real ** 2 + spectrum.imag ** 2) @ _FILTERS + FLOOR)
    return found


def warped(values, factor):
    """Frames as a throat of another length gives them, at the same pace: band m has what band m `factor` had."""
    at = (torch.arange(MELS) * factor).clamp(max=MELS - 1)
    below = at.floor().long()
    above = (below + 1).clamp(max=MELS - 1)
    return torch.lerp(values[:, below], values[:, above], at - below)


def _filters():
    """(bins, mels) triangles on the mel scale, from 60 Hz to half the rate."""
    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    corners = np.linspace(mel(60), mel(RATE / 2), MELS + 2)
    at = mel(np.fft.rfftfreq(FFT, 1 / RATE))[:, None]
    rising = (at - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - at) / (corners[2:] - corners[1:-1])
    return torch.as_tensor(np.maximum(0, np.minimum(rising, falling)), dtype=torch.float32)


_HANN = torch.hann_window(WINDOW, periodic=False)
_FILTERS = _filters()


def in_frames(rows):
    """Words as rows (digit, first frame, frame behind the last, dB, place), of rows in samples."""
    return [(digit, first // HOP, -(-last // HOP), decibels, place) for digit, first, last, decibels, place in rows]


def labels(rows, count, behind):
    """0 for nothing, digit + 1 over the last two fifths of a word and `behind` frames after it.

    What comes before tells digits apart badly.
    """
    found = torch.zeros(count, dtype=torch.long)
    for digit, first, last, _, _ in rows:
        found[(2 * first + 3 * last) // 5:last + behind] = digit + 1
    return found


def speech(rows, count):
    """Whether each frame lies within a word."""
    found = torch.zeros(count, dtype=torch.bool)
    for _, first, last, _, _ in rows:
        found[first:last] = True
    return found
