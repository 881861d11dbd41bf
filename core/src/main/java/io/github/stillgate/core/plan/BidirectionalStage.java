package io.github.stillgate.core.plan;

import io.github.stillgate.core.model.Bidirectional;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/** Two stages over one sequence; no stream can be opened on it. */
final class BidirectionalStage extends Stage {
  private final String name;
  private final Stage forward;
  private final Stage backward;
  private final List<StatePart> parts;

  BidirectionalStage(Bidirectional layer, Stage forward, Stage backward) {
    this.name = layer.name();
    this.forward = forward;
    this.backward = backward;
    List<StatePart> all = new ArrayList<>();
    forward.stateParts().forEach(part -> all.add(renamed(part, 0)));
    backward.stateParts().forEach(part -> all.add(renamed(part, forward.stateFloats())));
    this.parts = List.copyOf(all);
  }

  private StatePart renamed(StatePart part, int floats) {
    return new StatePart(name + "." + part.name(), part.at(), part.width(), part.bound())
        .movedBy(floats);
  }

  Stage forward() {
    return forward;
  }

  Stage backward() {
    return backward;
  }

  @Override
  int outputs() {
    return forward.outputs() + backward.outputs();
  }

  @Override
  double outputBound() {
    return Math.max(forward.outputBound(), backward.outputBound());
  }

  @Override
  List<StatePart> stateParts() {
    return parts;
  }

  @Override
  long denseBytes(boolean token) {
    return forward.denseBytes(token) + backward.denseBytes(token);
  }

  @Override
  void measureCrossover() {
    forward.measureCrossover();
    backward.measureCrossover();
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    throw new UnsupportedOperationException(
        "layer %s reads its input from both ends, so it cannot run step by step; use"
                .formatted(name)
            + " Sequence.open(plan)");
  }
}
