"""Ordinary GRUs that spot spoken digits in running audio.

    python3 digits.py --data recordings.tar.gz --runs DIR --networks 2x32,2x96 --fold 0

Frames -> GRU -> GRU -> linear, 11 classes: nothing and the ten digits. Each fold holds other speakers out; folder
DIR/fold-K has the test stream of its speakers, `test.safetensors` and `test.json`, and DIR/fold-K/NETWORK the
training that run.py keeps, with the network as `network.safetensors`: a PyTorch state dict, which `./stillgate
convert` reads. The same command goes on where it was stopped.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import digit_streams
import spotting
import weights_file
from run import Run

CLASSES = 11
TEST_NOISES = (30, 20, 10)  # dB that words stand above the noise
TOLERANCE = 30  # frames behind its end until which a word may be spotted
BEHIND = 15  # frames behind its end that are labelled as the word


class Spotter(nn.Module):
    """Logits (steps, batch, 11) of frames (steps, batch, 40), and the state behind the last."""

    def __init__(self, layers, units, dropout=0.0):
        super().__init__()
        self.gru = nn.GRU(digit_streams.MELS, units, layers, dropout=dropout)
        self.out = nn.Linear(units, CLASSES)

    def forward(self, x, state=None):
        x, state = self.gru(x, state)
        return self.out(x), state


def training_noise(random):
    return random.uniform(5, 30)


def test_noise(random):
    return float(random.choice(TEST_NOISES))


def epoch_streams(words, random, streams):
    """(steps, streams, 40) frames and (steps, streams) labels of a new mix of all words."""
    order = random.permutation(len(words))
    made = []
    for part in range(streams):
        samples, rows = digit_streams.stream([words[i] for i in order[part::streams]], random, (0.1, 0.5),
                                             training_noise, 5, long_pauses=0.04, vary=True)
        found = digit_streams.warped(digit_streams.frames(samples), random.uniform(0.87, 1.15))
        made.append((found, digit_streams.labels(digit_streams.in_frames(rows), len(found), BEHIND)))
    steps = min(len(found) for found, _ in made)
    return (torch.stack([found[:steps] for found, _ in made], 1),
            torch.stack([wanted[:steps] for _, wanted in made], 1))


def running(words, random, count=None, vary=False):
    """One stream as it is scored: frames, and rows of words in frames."""
    order = random.permutation(len(words))[:count]
    samples, rows = digit_streams.stream([words[i] for i in order], random, (0.3, 1.5), test_noise, 20, vary=vary)
    rows = [(*row[:4], int(order[row[4]])) for row in digit_streams.in_frames(rows)]
    return digit_streams.frames(samples), rows


def probabilities(network, frames):
    """(frames, 11) of one stream."""
    network.eval()
    state, found = None, []
    with torch.no_grad():
        for part in frames.split(2000):
            logits, state = network(part[:, None], state)
            found.append(functional.softmax(logits[:, 0], -1))
    return torch.cat(found).numpy()


class Fold:
    """The words of one fold, with the normalisation that its training speakers give, and its streams."""

    def __init__(self, recordings, fold, folds, seed):
        self.fold, self.seed = fold, seed
        self.held_out = recordings.held_out(fold, folds)
        self.train = recordings.of(s for s in recordings.speakers if s not in self.held_out)
        self.test = recordings.of(self.held_out)
        seen = running(self.train, self.random(0), 1000)[0]
        self.mean, self.deviation = seen.mean(0), seen.std(0)

    def random(self, *purpose):
        return np.random.default_rng((self.seed, self.fold, *purpose))

    def normal(self, frames):
        return (frames - self.mean) / self.deviation

    def epoch(self, number, streams):
        found, wanted = epoch_streams(self.train, self.random(1, number), streams)
        return self.normal(found), wanted

    def decoder_stream(self):
        """A stream of training speakers, on which the settings of the decoder are chosen.

        Their voices are varied as in training: of voices it knows, a network is surer than of others.
        """
        found, rows = running(self.train, self.random(2), 600, vary=True)
        return self.normal(found), rows

    def leave(self, folder):
        """Writes the test stream unless it is there. Returns its frames and words."""
        found, rows = running(self.test, self.random(3))
        found = self.normal(found)
        path = os.path.join(folder, "test.safetensors")
        described = {"fold": self.fold, "seed": self.seed, "speakers": self.held_out, "frames": len(found),
                     "frame_milliseconds": 10, "tolerance_frames": TOLERANCE,
                     "words": [{"digit": digit, "first": first, "last": last, "noise_db": noise,
                                "speaker": self.test[place][2]} for digit, first, last, noise, place in rows]}
        if os.path.exists(path):
            with open(os.path.join(folder, "test.json"), encoding="utf-8") as file:
                if json.load(file) != described:
                    raise SystemExit(f"{folder} has a test stream of other data or another seed; "
                                     "name another folder, or remove it")
            return torch.tensor(weights_file.read(path)[0]["frames"]), rows
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "test.json.partial"), "w", encoding="utf-8") as file:
            json.dump(described, file, indent=1)
        os.replace(os.path.join(folder, "test.json.partial"), os.path.join(folder, "test.json"))
        weights_file.write(path, {
            "frames": found.numpy(),
            "labels": digit_streams.labels(rows, len(found), BEHIND).numpy().astype(np.float32),
            "speech": digit_streams.speech(rows, len(found)).numpy().astype(np.float32)})
        return found, rows


def train(folder, data, settings):
    """One network on one fold; what is scored is the network of the last epoch."""
    torch.manual_seed(1000 * settings["seed"] + settings["fold"])
    network = Spotter(settings["layers"], settings["units"], settings["dropout"])
    adam = torch.optim.Adam(network.parameters(), settings["rate"])
    with Run(folder, settings) as run:
        if run.finished:
            return
        kept = run.resume()
        if kept is not None:
            network.load_state_dict(kept["network"])
            adam.load_state_dict(kept["adam"])
        for epoch in run.epochs(settings["epochs"]):
            began, cpu = time.perf_counter(), time.process_time()
            loss, right = train_epoch(network, adam, *data.epoch(epoch, settings["streams"]), epoch, settings)
            run.record({"epoch": epoch, "loss": loss, "frames_right": right,
                        "seconds": round(time.perf_counter() - began, 2),
                        "cpu_seconds": round(time.process_time() - cpu, 2)},
                       {"network": network.state_dict(), "adam": adam.state_dict()})
        frames, words = data.decoder_stream()
        known = probabilities(network, frames)
        decoder = spotting.chosen(known, words, TOLERANCE)
        test, test_words = data.leave(os.path.dirname(folder))
        given = probabilities(network, test)
        spotted = spotting.spot(given, **decoder)
        weights_file.write(os.path.join(folder, "network.safetensors"),
                           {name: values.numpy() for name, values in network.state_dict().items()})
        run.finish({
            "decoder": {**decoder, "tolerance": TOLERANCE},
            "training_speakers": spotting.score(words, spotting.spot(known, **decoder), len(known), TOLERANCE),
            "test": spotting.score(test_words, spotted, len(given), TOLERANCE),
            "test_by_noise": {f"{level} dB": by_noise(test_words, spotted, level) for level in TEST_NOISES},
            "parameters": sum(p.numel() for p in network.parameters())})


def by_noise(words, spotted, level):
    """The share of the words at one level of noise that were spotted."""
    found = [delay is not None for word, delay in zip(words, spotting.hits(words, spotted, TOLERANCE))
             if word[3] == level]
    return sum(found) / len(found) if found else None


def train_epoch(network, adam, frames, wanted, epoch, settings):
    """The rate rises over the first epoch and falls along half a cosine; the state goes on from part to part."""
    network.train()
    state, total, right = None, 0.0, 0
    parts = list(zip(frames.split(settings["steps"]), wanted.split(settings["steps"])))
    for at, (x, labels) in enumerate(parts):
        done = epoch - 1 + at / len(parts)
        rate = min(1, done + 1 / len(parts)) * (1 + np.cos(np.pi * done / settings["epochs"])) / 2
        for group in adam.param_groups:
            group["lr"] = settings["rate"] * rate
        logits, state = network(x, state)
        state = state.detach()
        loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()
        total += float(loss) * labels.numel()
        right += int((logits.argmax(-1) == labels).sum())
    return total / wanted.numel(), right / wanted.numel()


def sizes(name):
    """(layers, units) of "2x96"."""
    parts = name.split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise SystemExit(f"{name} is no network; write LAYERSxUNITS, such as 2x96")
    return int(parts[0]), int(parts[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, metavar="PATH", help="recordings.tar.gz, or a folder of wav files")
    parser.add_argument("--runs", required=True, metavar="DIR", help="where the trainings go, or are already")
    parser.add_argument("--networks", default="2x32,2x48,2x64,2x96,2x128,2x512", help="LAYERSxUNITS, with commas")
    parser.add_argument("--folds", type=int, default=3, help="how many parts the speakers are held out in")
    parser.add_argument("--fold", type=int, help="only this fold, from 0")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--streams", type=int, default=32, help="how many train at a time")
    parser.add_argument("--steps", type=int, default=64, help="frames that gradients go back")
    parser.add_argument("--rate", type=float, help="of Adam; without it 0.04 / sqrt(units)")
    parser.add_argument("--dropout", type=float, default=0.1, help="between the layers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    networks = [(name, *sizes(name)) for name in asked.networks.split(",")]
    recordings = digit_streams.Recordings(asked.data)
    for fold in range(asked.folds) if asked.fold is None else [asked.fold]:
        data = Fold(recordings, fold, asked.folds, asked.seed)
        for name, layers, units in networks:
            rate = asked.rate or round(0.04 / units ** 0.5, 6)
            settings = {"layers": layers, "units": units, "fold": fold, "folds": asked.folds,
                        "held_out": data.held_out, "words": len(data.train), "epochs": asked.epochs,
                        "streams": asked.streams, "steps": asked.steps, "rate": rate,
                        "dropout": asked.dropout if layers > 1 else 0.0, "seed": asked.seed}
            train(os.path.join(asked.runs, f"fold-{fold}", name), data, settings)


if __name__ == "__main__":
    main()
