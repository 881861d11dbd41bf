package io.github.stillgate.core.stage;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/**
 * A layer's place in a network: one stage, or two side by side that read the input from both ends.
 *
 * @param name the layer's name
 * @param directions its stages
 * @param parts what a stream keeps of it, one vector after the other
 */
public record Slot(String name, List<Direction> directions, List<StatePart> parts) {
  /**
   * One of the stages.
   *
   * @param stage what it does
   * @param backward whether it begins at the last step
   */
  public record Direction(Stage stage, boolean backward) {}

  /** Copies the lists. */
  public Slot {
    directions = List.copyOf(directions);
    parts = List.copyOf(parts);
  }

  /** A stage that goes forward. */
  public static Slot forward(String name, Stage stage) {
    return new Slot(name, List.of(new Direction(stage, false)), stage.stateParts());
  }

  /** A stage that goes from the last step to the first. */
  public static Slot backward(String name, Stage stage) {
    return new Slot(name, List.of(new Direction(stage, true)), stage.stateParts());
  }

  /** Both directions; the pair's name stands before those of their states. */
  public static Slot pair(String name, Stage forward, Stage backward) {
    List<StatePart> parts = new ArrayList<>();
    for (StatePart part : forward.stateParts()) {
      parts.add(part.within(name));
    }
    for (StatePart part : backward.stateParts()) {
      parts.add(part.within(name).movedBy(forward.stateFloats()));
    }
    return new Slot(
        name, List.of(new Direction(forward, false), new Direction(backward, true)), parts);
  }

  /** Whether it can run step by step. */
  boolean isForward() {
    return directions.stream().noneMatch(Direction::backward);
  }

  /** The stage of a slot that runs step by step. */
  Stage stage() {
    if (!isForward()) {
      throw new UnsupportedOperationException(
          "layer %s reads its input from the end, so it cannot run step by step; use"
                  .formatted(name)
              + " Sequence.open(plan)");
    }
    return directions.get(0).stage();
  }

  /** Weight bytes that no step exceeds. */
  long mostBytes(boolean token) {
    return directions.stream().mapToLong(direction -> direction.stage().mostBytes(token)).sum();
  }

  boolean canBeBounded() {
    return directions.stream().anyMatch(direction -> direction.stage().canBeBounded());
  }

  void bound(double share) {
    directions.forEach(direction -> direction.stage().bound(share));
  }

  /** Units of each direction that may be live in a step; empty if all may, or none has a gate. */
  public OptionalInt mostLive() {
    LiveLimit limit = directions.get(0).stage().liveLimit();
    return limit != null && limit.binds() ? OptionalInt.of(limit.mostUnits()) : OptionalInt.empty();
  }

  /** Values of an operand that may be sent in a step, at most; empty if all may be. */
  public OptionalInt mostMoved() {
    int most =
        directions.stream().mapToInt(direction -> direction.stage().mostMoved()).max().orElse(0);
    return most == 0 ? OptionalInt.empty() : OptionalInt.of(most);
  }

  /** Number of values it returns. */
  int outputs() {
    return directions.stream().mapToInt(direction -> direction.stage().outputs()).sum();
  }

  /** Bound on the magnitude of every output. */
  public double outputBound() {
    return directions.stream()
        .mapToDouble(direction -> direction.stage().outputBound())
        .max()
        .orElseThrow();
  }

  /** Floats of state one stream keeps between steps. */
  int stateFloats() {
    return parts.stream().mapToInt(StatePart::floats).sum();
  }

  /** Weight bytes one step reads when every unit is computed. */
  long denseBytes(boolean token) {
    return directions.stream().mapToLong(direction -> direction.stage().denseBytes(token)).sum();
  }

  /** Values that one step multiplies, all of them or those whose sums are kept. */
  public int columns(boolean token, boolean followed) {
    return directions.stream()
        .mapToInt(direction -> direction.stage().columns(token, followed))
        .sum();
  }

  /** Whether the sums over the layer's input are kept. */
  public boolean followsInput() {
    return directions.stream().allMatch(direction -> direction.stage().followsInput());
  }

  void measureCrossover(BooleanSupplier cancelled) {
    directions.forEach(direction -> direction.stage().measureCrossover(cancelled));
  }

  /** That of the only stage; 0 for two directions, which have one each. */
  double crossover() {
    return directions.size() == 1 ? directions.get(0).stage().crossover() : 0;
  }
}
