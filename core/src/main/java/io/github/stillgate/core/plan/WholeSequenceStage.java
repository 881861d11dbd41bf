package io.github.stillgate.core.plan;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Stages side by side over one sequence, at least one of them from its end; no stream can be opened
 * on it.
 */
final class WholeSequenceStage extends Stage {
  private final String name;
  private final List<Direction> directions;
  private final List<StatePart> parts;

  /**
   * One of the stages.
   *
   * @param stage what it does
   * @param backward whether it begins at the last step
   */
  record Direction(Stage stage, boolean backward) {}

  private WholeSequenceStage(String name, List<Direction> directions, List<StatePart> parts) {
    this.name = name;
    this.directions = directions;
    this.parts = parts;
  }

  /** One stage from the last step to the first. */
  static WholeSequenceStage backward(String name, Stage stage) {
    return new WholeSequenceStage(name, List.of(new Direction(stage, true)), stage.stateParts());
  }

  /** Both directions; the pair's name stands before those of their states. */
  static WholeSequenceStage pair(String name, Stage forward, Stage backward) {
    List<StatePart> parts = new ArrayList<>();
    for (StatePart part : forward.stateParts()) {
      parts.add(part.within(name));
    }
    for (StatePart part : backward.stateParts()) {
      parts.add(part.within(name).movedBy(forward.stateFloats()));
    }
    return new WholeSequenceStage(
        name,
        List.of(new Direction(forward, false), new Direction(backward, true)),
        List.copyOf(parts));
  }

  List<Direction> directions() {
    return directions;
  }

  @Override
  int outputs() {
    return directions.stream().mapToInt(direction -> direction.stage().outputs()).sum();
  }

  @Override
  double outputBound() {
    return directions.stream()
        .mapToDouble(direction -> direction.stage().outputBound())
        .max()
        .orElseThrow();
  }

  @Override
  List<StatePart> stateParts() {
    return parts;
  }

  @Override
  long denseBytes(boolean token) {
    return directions.stream().mapToLong(direction -> direction.stage().denseBytes(token)).sum();
  }

  @Override
  void measureCrossover(BooleanSupplier cancelled) {
    directions.forEach(direction -> direction.stage().measureCrossover(cancelled));
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    throw new UnsupportedOperationException(
        "layer %s reads its input from the end, so it cannot run step by step; use".formatted(name)
            + " Sequence.open(plan)");
  }
}
