"""One training: a folder that holds its settings, its curve, and what is needed to go on.

    with Run(folder, settings) as run:
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


class Run:
    """Keeps one training in `folder`.

    settings  a dictionary of everything that changes the result; a folder made with others is refused
    """

    _stopping = False

    def __init__(self, folder, settings):
        self.folder, self.settings = folder, settings
        os.makedirs(folder, exist_ok=True)
        self.curve, self.result, self.seconds = [], None, 0.0
        self._began = time.time()
        record = self._path("record.json")
        if os.path.exists(record):
            with open(record, encoding="utf-8") as file:
                kept = json.load(file)
            self._require(kept["settings"])
            self.curve, self.result, self.seconds = kept["curve"], kept["result"], kept["seconds"]

    def _require(self, kept):
        """Refuses a folder whose training was made with other settings."""
        asked, kept = (json.loads(json.dumps(settings)) for settings in (self.settings, kept))
        if kept != asked:
            changed = sorted(k for k in {*asked, *kept} if kept.get(k) != asked.get(k))
            raise SystemExit(f"{self.folder} holds a training with another {', '.join(changed)}; "
                             "name another folder, or remove it to begin anew")

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
            self.curve = []
            return None
        state = torch.load(self._path("checkpoint.pt"), map_location="cpu")
        self._require(state.get("settings", self.settings))
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
            kept = {"recorded": len(self.curve), "curve": self.curve, "settings": self.settings,
                    "random": torch.get_rng_state(), "state": state}
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
        with open(self._path("record.partial"), "w", encoding="utf-8") as file:
            json.dump({"settings": self.settings, "curve": self.curve, "result": self.result,
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
