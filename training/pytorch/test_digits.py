"""Tests of the digit spotter: python3 -m unittest test_digits"""

import contextlib
import io
import json
import os
import sys
import tarfile
import tempfile
import unittest
import wave
from unittest import mock

import numpy as np
import torch

import digit_streams
import digits
import spotting
import weights_file


def write_wav(path, samples, rate=8000):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def tone(hertz, seconds, loudness=0.3):
    return loudness * np.sin(2 * np.pi * hertz * np.arange(int(8000 * seconds)) / 8000)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def probabilities_of(tensors, frames):
    """PyTorch's GRU, step by step in float64, by its documentation; then a linear layer and a softmax."""
    t = {name: values.astype(np.float64) for name, values in tensors.items()}
    x = frames.astype(np.float64)
    layer = 0
    while f"gru.weight_ih_l{layer}" in t:
        w, u, b, c = (t[f"gru.{kind}_l{layer}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        n = u.shape[1]
        h, outputs = np.zeros(n), []
        for value in x:
            a, v = w @ value + b, u @ h + c
            r, z = sigmoid(a[:n] + v[:n]), sigmoid(a[n:2 * n] + v[n:2 * n])
            h = (1 - z) * np.tanh(a[2 * n:] + r * v[2 * n:]) + z * h
            outputs.append(h)
        x, layer = np.array(outputs), layer + 1
    logits = x @ t["out.weight"].T + t["out.bias"]
    found = np.exp(logits - logits.max(1, keepdims=True))
    return found / found.sum(1, keepdims=True)


class StreamsTest(unittest.TestCase):
    def test_a_frame_is_the_log_of_mel_energies(self):
        samples = (tone(1000, 0.1) + 0.1 * np.random.default_rng(1).standard_normal(800)).astype(np.float32)
        found = digit_streams.frames(samples).numpy()
        self.assertEqual(((800 - 200) // 80 + 1, 40), found.shape)
        at = 3
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(200) / 199)
        power = np.abs(np.fft.rfft(samples[80 * at:80 * at + 200] * window, 512)) ** 2
        low, high = 2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 4000 / 700)
        hertz = 700 * (10 ** (np.linspace(low, high, 42) / 2595) - 1)
        mels = 2595 * np.log10(1 + np.arange(257) * 8000 / 512 / 700)
        for band in (0, 20, 39):
            left, middle, right = 2595 * np.log10(1 + hertz[band:band + 3] / 700)
            weights = np.interp(mels, [left, middle, right], [0, 1, 0])
            self.assertAlmostEqual(np.log(weights @ power + 1e-3), float(found[at, band]), 3)
        self.assertTrue(hertz[found[at].argmax()] < 1000 < hertz[found[at].argmax() + 2])

    def test_bands_move_and_keep_their_pace(self):
        values = torch.arange(40.0).repeat(3, 1) + torch.arange(3.0)[:, None]
        torch.testing.assert_close(digit_streams.warped(values, 1.0), values)
        found = digit_streams.warped(values, 1.1)
        torch.testing.assert_close(found[:, 10], values[:, 11])
        self.assertAlmostEqual(3.3, float(found[0, 3]), 5)
        torch.testing.assert_close(found[:, 39], values[:, 39])
        torch.testing.assert_close(digit_streams.warped(values, 0.9)[:, 20], values[:, 18])

    def test_words_stand_where_the_rows_say(self):
        words = [(digit, tone(300 + 100 * digit, 0.2).astype(np.float32), "a") for digit in (3, 1, 4)]
        random = np.random.default_rng(2)
        samples, rows = digit_streams.stream(words, random, (0.3, 0.5), lambda _: 40.0, 2)
        self.assertEqual([3, 1, 4], [row[0] for row in rows])
        loud = np.zeros(len(samples), bool)
        behind = 0
        for (_, first, last, decibels, place), word in zip(rows, words):
            self.assertEqual(len(word[1]), last - first)
            self.assertTrue(0.3 * 8000 - 1 <= first - behind <= 0.5 * 8000)
            self.assertEqual((40.0, word), (decibels, words[place]))
            loud[first:last], behind = True, last
        level = np.sqrt(np.mean(samples[~loud] ** 2)) / digit_streams.LEVEL
        self.assertAlmostEqual(-40, 20 * np.log10(level), 0)
        self.assertGreater(np.sqrt(np.mean(samples[loud] ** 2)), 0.4 * digit_streams.LEVEL)

    def test_labels_and_speech(self):
        rows = [(7, 2, 10, 0, 0), (0, 14, 18, 0, 1)]
        self.assertEqual([0] * 6 + [8] * 6 + [0] * 4 + [1] * 4, digit_streams.labels(rows, 20, 2).tolist())
        self.assertEqual([t in range(2, 10) or t in range(14, 18) for t in range(20)],
                         digit_streams.speech(rows, 20).tolist())
        self.assertEqual([(7, 1, 3, 5.0, 0)], digit_streams.in_frames([(7, 159, 161, 5.0, 0)]))

    def test_recordings_of_a_folder_and_of_an_archive_are_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            inside = os.path.join(folder, "wavs")
            os.mkdir(inside)
            for name in ("1_ann_0", "0_bob_1", "0_ann_0"):
                write_wav(os.path.join(inside, name + ".wav"), tone(200 + len(name) * ord(name[2]), 0.1))
            archive = os.path.join(folder, "recordings.tar.gz")
            with tarfile.open(archive, "w:gz") as file:
                file.add(inside, "recordings")
            for source in (inside, archive):
                found = digit_streams.Recordings(source)
                self.assertEqual(["ann", "bob"], found.speakers)
                self.assertEqual([(0, "ann"), (1, "ann"), (0, "bob")],
                                 [(digit, who) for digit, _, who in found.of(found.speakers)])
                np.testing.assert_allclose(found.words["bob"][0][1], tone(200 + 7 * ord("b"), 0.1), atol=1e-4)

    def test_what_is_no_recording_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(SystemExit, "no wav files; give recordings.tar.gz"):
                digit_streams.Recordings(folder)
            for name, samples, rate, message in (
                    ("ten_ann_0", tone(300, 0.1), 8000, "not named DIGIT_SPEAKER_INDEX"),
                    ("1_ann_0", tone(300, 0.1), 16000, "not 8 kHz"),
                    ("1_ann_0", np.zeros(80), 8000, "is silent")):
                path = os.path.join(folder, name + ".wav")
                write_wav(path, samples, rate)
                with self.assertRaisesRegex(SystemExit, message):
                    digit_streams.Recordings(folder)
                os.remove(path)


class SpottingTest(unittest.TestCase):
    def test_means_thresholds_and_rests(self):
        p = np.zeros((12, 11))
        p[2:5, 4], p[5, 8], p[9:12, 8] = 0.9, 0.8, 0.9
        found = spotting.spot(p, window=2, threshold=0.8, refractory=3)
        self.assertEqual([(3, 3), (10, 7)], found)
        # The mean of frames 4 and 5 is 0.45 for digit 3, of 5 alone 0.4 for 7: frame 3 rests until 6.
        self.assertEqual([(2, 3), (5, 3), (9, 7)], spotting.spot(p, window=2, threshold=0.45, refractory=3))

    def test_a_word_takes_one_spotting_of_its_digit(self):
        words = [(3, 10, 20), (3, 24, 30), (5, 40, 50), (5, 60, 70)]
        spotted = [(9, 3), (18, 3), (19, 3), (26, 2), (28, 3), (52, 5), (56, 5)]
        found = spotting.hits(words, spotted, 3)
        # 9 is early, 19 a second time, 26 wrong, 56 behind the third word and before the fourth.
        self.assertEqual([-2, -2, 2, None], found)
        self.assertEqual([2, None], spotting.hits([(3, 10, 20), (3, 21, 30)], [(22, 3)], 5))
        score = spotting.score(words, spotted, 6000, 3)
        self.assertEqual((4, 3, 4, 0.75), (score["words"], score["hits"], score["false_alarms"], score["accuracy"]))
        self.assertEqual((4.0, -2.0), (score["false_alarms_a_minute"], score["median_delay_frames"]))

    def test_the_settings_that_are_best_are_chosen(self):
        p = np.zeros((400, 11))
        words = [(1, 20, 40), (2, 120, 140)]
        for _, first, last in words:
            p[first + 10:last + 10, 1 + _] = 0.65
        p[250:254, 6] = 0.95
        settings = spotting.chosen(p, words, 25)
        found = spotting.score(words, spotting.spot(p, **settings), 400, 25)
        self.assertEqual((2, 0), (found["hits"], found["false_alarms"]))


class DigitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        folder = cls.folder = cls.kept.name
        cls.data = os.path.join(folder, "wavs")
        os.mkdir(cls.data)
        for at, speaker in enumerate(("ann", "bob", "cid")):
            # Tones whose pitches no variation of the voice mixes up.
            for digit, hertz in ((0, 320), (4, 950), (9, 2800)):
                for index in range(16):
                    write_wav(os.path.join(cls.data, f"{digit}_{speaker}_{index}.wav"),
                              tone(hertz * (1 + at / 50), 0.25))

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def command(self, runs, *more):
        given = ["digits.py", "--data", self.data, "--runs", os.path.join(self.folder, runs), "--streams", "4",
                 "--steps", "20", *more]
        with mock.patch.object(sys, "argv", given), contextlib.redirect_stderr(io.StringIO()):
            digits.main()

    def record(self, *path):
        with open(os.path.join(self.folder, *path, "record.json")) as file:
            return json.load(file)

    def test_every_speaker_is_held_out_once(self):
        recordings = digit_streams.Recordings(self.data)
        for folds in (2, 3):
            held_out = [recordings.held_out(fold, folds) for fold in range(folds)]
            self.assertEqual(["ann", "bob", "cid"], sorted(sum(held_out, [])))
        data = digits.Fold(recordings, 1, 3, 1)
        self.assertEqual({"bob"}, {speaker for _, _, speaker in data.test})
        self.assertEqual({"ann", "cid"}, {speaker for _, _, speaker in data.train})
        with self.assertRaisesRegex(SystemExit, "fold 3 of 3: there are 3 speakers"):
            recordings.held_out(3, 3)

    def test_it_learns_and_leaves_what_the_formulas_say(self):
        self.command("all", "--networks", "2x20", "--folds", "3", "--fold", "2", "--epochs", "14", "--rate", "0.01")
        result = self.record("all", "fold-2", "2x20")["result"]
        self.assertGreater(result["test"]["accuracy"], 0.6)
        fold = os.path.join(self.folder, "all", "fold-2")
        tensors, _ = weights_file.read(os.path.join(fold, "2x20", "network.safetensors"))
        test, _ = weights_file.read(os.path.join(fold, "test.safetensors"))
        with open(os.path.join(fold, "test.json")) as file:
            described = json.load(file)
        words = [(word["digit"], word["first"], word["last"]) for word in described["words"]]
        self.assertEqual((48, {"cid"}), (len(words), {word["speaker"] for word in described["words"]}))
        inside = np.zeros(len(test["frames"]))
        for _, first, last in words:
            inside[first:last] = 1
        np.testing.assert_array_equal(inside, test["speech"])
        decoder = dict(result["decoder"])
        tolerance = decoder.pop("tolerance")
        self.assertEqual(described["tolerance_frames"], tolerance)
        spotted = spotting.spot(probabilities_of(tensors, test["frames"]), **decoder)
        self.assertEqual(result["test"], spotting.score(words, spotted, len(inside), tolerance))

    def test_a_stopped_training_goes_on_as_if_it_had_not_been(self):
        asked = ("--networks", "1x6,2x5", "--folds", "2", "--fold", "0", "--epochs", "2")
        self.command("whole", *asked)
        before = digits.Run.record

        def record_and_stop(run, point, state):
            before(run, point, state)
            raise KeyboardInterrupt

        with mock.patch.object(digits.Run, "record", record_and_stop), self.assertRaises(KeyboardInterrupt):
            self.command("halves", *asked)
        self.command("halves", *asked)
        for network in ("1x6", "2x5"):
            whole, halves = (self.record(runs, "fold-0", network) for runs in ("whole", "halves"))
            self.assertEqual([p["loss"] for p in whole["curve"]], [p["loss"] for p in halves["curve"]])
            self.assertEqual(whole["result"], halves["result"])

    def test_what_does_not_go_together_is_refused(self):
        asked = ("--networks", "1x4", "--folds", "3", "--fold", "0", "--epochs", "1")
        self.command("other", *asked)
        with self.assertRaisesRegex(SystemExit, "another rate"):
            self.command("other", *asked, "--rate", "0.5")
        with self.assertRaisesRegex(SystemExit, "test stream of other data or another seed"):
            self.command("other", *asked[2:], "--networks", "1x5", "--seed", "2")
        with self.assertRaisesRegex(SystemExit, "1by4 is no network"):
            self.command("other", "--networks", "1by4")


if __name__ == "__main__":
    unittest.main()
