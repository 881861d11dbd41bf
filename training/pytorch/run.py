"""One training: a folder that holds its settings, its curve, and what is needed to go on.

    with Run(folder, settings, data) as run:
        state = run.resume()                 # None at the first start
        for epoch in run.epochs(last):
            ...
            run.record({"epoch": epoch, "loss": loss}, {"model": model.state_dict(), ...})
        run.finish({"test_error": error})

Ctrl-C and SIGTERM end the run after the epoch in which they come; the same command goes on from there.
The folder has `record.json` (settings, curve, result) and `checkpoint.pt`.
"""

import json
import os
import platform
import signal
import sys
import time

import torch

from inputs import reading


class Run:
    """Keeps one training in `folder`, which appears with its first point.

    settings  a dictionary of everything that changes the result; a folder made with others is refused
    data      what it is trained on, by kind: each as `inputs.data` makes it; a folder made on other data is
              refused too. They are no settings: trainings on data of other names may go into one table.
    """

    _stopping = False

    def __init__(self, folder, settings, data=None):
        self.folder, self.settings, self.data = folder, settings, data or {}
        self.curve, self.result, self.seconds = [], None, 0.0
        self._began = time.time()
        record = self._path("record.json")
        if os.path.exists(record):
            with reading(record, "remove it, and the training goes on from the checkpoint.pt beside it"
                         if os.path.exists(self._path("checkpoint.pt")) else "remove it to begin anew"):
                with open(record, encoding="utf-8") as file:
                    kept = json.load(file)
                self._require(kept)
                self.curve, self.result, self.seconds = list(kept["curve"]), kept["result"], float(kept["seconds"])

    def _require(self, kept):
        """Refuses a folder whose training was made with other settings, or on other data."""
        asked, found = (json.loads(json.dumps(settings)) for settings in (self.settings, kept["settings"]))
        if found != asked:
            changed = sorted(k for k in {*asked, *found} if found.get(k) != asked.get(k))
            raise SystemExit(f"{self.folder} holds a training with another {', '.join(changed)}; "
                             "name another folder, or remove it to begin anew")
        # Folders of before fingerprints were kept have none.
        for kind, theirs in kept.get("data", {}).items():
            ours = self.data.get(kind, theirs)
            if ours["fingerprint"] != theirs["fingerprint"]:
                before, now = (f"{d['name']} (fingerprint {d['fingerprint']})" for d in (theirs, ours))
                raise SystemExit(f"{self.folder} was trained on the {kind} {before}, and is given {now}; "
                                 "give it what it began with, or name another folder")

    def _path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        self._former = [signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)]
        return self

    def __exit__(self, kind, value, trace):
        for number, former in zip((signal.SIGINT, signal.SIGTERM), self._former):
            signal.signal(number, former)
        return False

    def _stop(self, *_):
        # Of all runs: a program that makes several ends after the epoch of this one.
        Run._stopping = True
        print("\nstopping after this epoch; the same command goes on", file=sys.stderr)

    @property
    def finished(self):
        return self.result is not None

    def resume(self):
        """What `record` was given last, or None. Random states of torch go on too."""
        if not os.path.exists(self._path("checkpoint.pt")):
            if self.finished:
                raise SystemExit(f"{self._path('checkpoint.pt')} is not there, from which the finished training would "
                                 f"go on; put it back, or remove {self.folder} to begin anew")
            if self.curve:
                print(f"{self._path('checkpoint.pt')} is not there: beginning anew", file=sys.stderr)
            self.curve = []
            return None
        with reading(self._path("checkpoint.pt"), f"remove {self.folder} to begin anew"):
            state = torch.load(self._path("checkpoint.pt"), map_location="cpu")
            self._require({"settings": self.settings, **state})
            # The curve that goes with the state: the record may be a point behind, or ahead.
            self.curve = state.get("curve", self.curve[:state["recorded"]])
            torch.set_rng_state(state["random"])
            if torch.cuda.is_available() and "devices" in state:
                torch.cuda.set_rng_state_all(state["devices"])
            return state["state"]

    def epochs(self, last):
        """The epochs that are left of 1 to `last`; ends early when asked to stop."""
        for epoch in range(len(self.curve) + 1, last + 1):
            if self._stopping:
                raise SystemExit(130)
            yield epoch
        if self._stopping and len(self.curve) < last:
            raise SystemExit(130)

    def record(self, point, state):
        """Adds a point to the curve and keeps `state`, in this order of safety: state, then curve.

        A state of None adds the point alone; a run that resumes goes back to the last state that was kept.
        """
        self.curve.append(point)
        self.result = None
        if state is not None:
            os.makedirs(self.folder, exist_ok=True)
            kept = {"recorded": len(self.curve), "curve": self.curve, "settings": self.settings,
                    "data": self.data, "random": torch.get_rng_state(), "state": state}
            if torch.cuda.is_available():
                kept["devices"] = torch.cuda.get_rng_state_all()
            torch.save(kept, self._path("checkpoint.partial"))
            os.replace(self._path("checkpoint.partial"), self._path("checkpoint.pt"))
        self._write()
        if sys.stderr.isatty():
            shown = "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}"
                              for k, v in point.items() if not isinstance(v, (list, dict)))
            print(f"\r\033[K{os.path.basename(self.folder)}: {shown}", end="", file=sys.stderr, flush=True)

    def finish(self, result):
        """Keeps the scores of the finished network."""
        self.result = result
        self._write()
        if sys.stderr.isatty():
            print(file=sys.stderr)

    def _write(self):
        now = time.time()
        self.seconds += now - self._began
        self._began = now
        os.makedirs(self.folder, exist_ok=True)
        with open(self._path("record.partial"), "w", encoding="utf-8") as file:
            json.dump({"settings": self.settings, "data": self.data, "curve": self.curve, "result": self.result,
                       "seconds": round(self.seconds, 1), "machine": machine()}, file, indent=1)
        os.replace(self._path("record.partial"), self._path("record.json"))


def machine():
    """What the training runs on, in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), name)
    return f"{name}, {torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"
