"""Tests of the folder of a training, and of what programs are given: python3 -m unittest test_run"""

import json
import os
import tempfile
import unittest

import numpy as np
import torch

import inputs
from run import Run


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_another_setting_needs_another_folder(self):
        with self.assertRaisesRegex(SystemExit, "another seed"):
            Run(os.path.join(self.folder, "run"), {"seed": 1})._write()
            Run(os.path.join(self.folder, "run"), {"seed": 2})

    def test_a_kill_between_checkpoint_and_record_loses_nothing(self):
        folder = os.path.join(self.folder, "killed")
        run = Run(folder, {"seed": 1})
        run.record({"epoch": 1}, {"w": 1})
        with open(os.path.join(folder, "record.json"), encoding="utf-8") as file:
            behind = file.read()
        run.record({"epoch": 2}, {"w": 2})
        with open(os.path.join(folder, "record.json"), "w", encoding="utf-8") as file:
            file.write(behind)
        again = Run(folder, {"seed": 1})
        self.assertEqual({"w": 2}, again.resume())
        self.assertEqual([{"epoch": 1}, {"epoch": 2}], again.curve)
        os.remove(os.path.join(folder, "record.json"))
        with self.assertRaisesRegex(SystemExit, "another seed"):
            Run(folder, {"seed": 2}).resume()

    def test_a_finished_run_that_goes_on_is_not_finished(self):
        folder = os.path.join(self.folder, "longer")
        run = Run(folder, {"seed": 1})
        run.record({"epoch": 1}, {"w": 1})
        run.finish({"score": 1})
        again = Run(folder, {"seed": 1})
        self.assertTrue(again.finished)
        again.record({"epoch": 2}, {"w": 2})
        self.assertFalse(Run(folder, {"seed": 1}).finished)

    def begun(self, name="begun", data=None):
        run = Run(os.path.join(self.folder, name), {"seed": 1}, data)
        run.record({"epoch": 1}, {"w": 1})
        return run.folder

    def write(self, folder, name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def test_a_folder_appears_with_the_first_point(self):
        folder = os.path.join(self.folder, "later")
        run = Run(folder, {"seed": 1})
        self.assertIsNone(run.resume())
        self.assertFalse(os.path.exists(folder))
        run.record({"epoch": 1}, None)
        self.assertTrue(os.path.exists(folder))

    def test_other_data_are_refused_and_both_named(self):
        made = {"texts": inputs.data("old, 3 texts", np.arange(3))}
        folder = self.begun(data=made)
        moved = {"texts": inputs.data("the same elsewhere", np.arange(3))}
        self.assertEqual(Run(folder, {"seed": 1}, moved).resume(), {"w": 1})
        other = {"texts": inputs.data("new, 3 texts", np.arange(1, 4))}
        both = (f"begun was trained on the texts old, 3 texts .fingerprint {made['texts']['fingerprint']}., and is "
                f"given new, 3 texts .fingerprint {other['texts']['fingerprint']}.; give it what it began with")
        with self.assertRaisesRegex(SystemExit, both):
            Run(folder, {"seed": 1}, other)
        os.remove(os.path.join(folder, "record.json"))
        with self.assertRaisesRegex(SystemExit, both):
            Run(folder, {"seed": 1}, other).resume()

    def test_a_training_of_before_fingerprints_goes_on(self):
        folder = self.begun()
        with open(os.path.join(folder, "record.json"), encoding="utf-8") as file:
            record = json.load(file)
        del record["data"]
        self.write(folder, "record.json", json.dumps(record))
        run = Run(folder, {"seed": 1}, {"texts": inputs.data("texts", np.arange(3))})
        self.assertEqual(run.resume(), {"w": 1})
        run.record({"epoch": 2}, {"w": 2})
        with self.assertRaisesRegex(SystemExit, "and is given others"):
            Run(folder, {"seed": 1}, {"texts": inputs.data("others", np.arange(4))})

    def test_a_damaged_record_is_named_and_its_checkpoint_taken(self):
        folder = self.begun()
        for text in ("", '{"settings": {"seed": 1}, "cur', "[1]", '{"settings": {"seed": 1}}'):
            self.write(folder, "record.json", text)
            with self.assertRaisesRegex(SystemExit, "record.json is damaged.*; remove it, and the training goes on"):
                Run(folder, {"seed": 1})
        os.remove(os.path.join(folder, "record.json"))
        run = Run(folder, {"seed": 1})
        self.assertEqual((run.resume(), run.curve), ({"w": 1}, [{"epoch": 1}]))

    def test_a_damaged_checkpoint_is_named(self):
        folder = self.begun()
        path = os.path.join(folder, "checkpoint.pt")
        with open(path, "rb") as file:
            whole = file.read()
        for data in (b"", b"none", whole[:len(whole) // 2]):
            with open(path, "wb") as file:
                file.write(data)
            with self.assertRaisesRegex(SystemExit, "checkpoint.pt is damaged.*; remove .*begun to begin anew"):
                Run(folder, {"seed": 1}).resume()
        for other in ([1], {"recorded": 1}):
            torch.save(other, path)
            with self.assertRaisesRegex(SystemExit, "checkpoint.pt is damaged"):
                Run(folder, {"seed": 1}).resume()

    def test_a_finished_training_without_its_checkpoint_is_not_made_anew(self):
        folder = self.begun()
        Run(folder, {"seed": 1}).finish({"score": 1})
        os.remove(os.path.join(folder, "checkpoint.pt"))
        with self.assertRaisesRegex(SystemExit, "checkpoint.pt is not there, from which the finished training"):
            Run(folder, {"seed": 1}).resume()


class Fingerprints(unittest.TestCase):
    def test_they_tell_arrays_and_words_apart(self):
        some = [[np.arange(6)], [np.arange(6).reshape(2, 3)], [np.arange(6.0)], [np.arange(5)], [["a", "b"]], [["a b"]],
                [["a"], ["b"]], [torch.arange(6, dtype=torch.int32)]]
        self.assertEqual(len({inputs.data("x", *parts)["fingerprint"] for parts in some}), len(some))
        self.assertEqual(inputs.data("x", torch.arange(6)), inputs.data("x", np.arange(6)))


if __name__ == "__main__":
    unittest.main()
