package io.github.stillgate.core.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * Moves values and computes nothing: {@code y_i = index_i < 0 ? 0 : v_(index_i)}, where v is what
 * it reads, one vector after the other. Slices, concatenation, padding, transposition, reversal,
 * broadcasting, the windows of a convolution and the zeros of a transposed one are all such maps.
 *
 * <p>Immutable.
 */
public final class IndexMap implements Operation {
  private final String name;
  private final List<Integer> inputWidths;
  private final int[] index;

  /**
   * A map.
   *
   * @param name of the layer and of what it gives
   * @param inputWidths of the vectors it reads
   * @param index for each value it gives the position of the value it takes, or -1 for 0; copied
   * @throws IllegalArgumentException if it reads or gives nothing, a width is none, or a position
   *     lies outside
   */
  public IndexMap(String name, List<Integer> inputWidths, int... index) {
    this.name = name;
    this.inputWidths = List.copyOf(inputWidths);
    this.index = index.clone();
    long inputs = 0;
    for (int width : this.inputWidths) {
      Operation.requireWidth(name, width);
      inputs += width;
    }
    Operation.requireWidth(name, inputs);
    Operation.requireWidth(name, index.length);
    for (int i = 0; i < this.index.length; i++) {
      if (this.index[i] < -1 || this.index[i] >= inputs) {
        throw new IllegalArgumentException(
            "layer %s: value %d is taken from position %d; it reads %d values, and -1 stands for 0"
                .formatted(name, i, this.index[i], inputs));
      }
    }
  }

  /** The map from one vector of {@code inputs} values to {@code outputs} with a formula. */
  public static IndexMap of(String name, int inputs, int outputs, IntUnaryOperator index) {
    Operation.requireWidth(name, outputs);
    int[] positions = new int[outputs];
    Arrays.setAll(positions, index);
    return new IndexMap(name, List.of(inputs), positions);
  }

  /** The values from {@code from} to {@code to}, exclusive, of a vector. */
  public static IndexMap slice(String name, int inputs, int from, int to) {
    return of(name, inputs, to - from, i -> from + i);
  }

  /** Vectors of these widths, one after the other. */
  public static IndexMap concat(String name, Integer... widths) {
    int[] all = new int[Math.toIntExact(Arrays.stream(widths).mapToLong(w -> w).sum())];
    Arrays.setAll(all, i -> i);
    return new IndexMap(name, List.of(widths), all);
  }

  /**
   * This map after another, as one: what it reads as vector {@code input} is what {@code before}
   * gives. The vectors that {@code before} reads stand in its place.
   *
   * @return a map of this one's name
   * @throws IllegalArgumentException if the widths do not fit
   */
  public IndexMap after(int input, IndexMap before) {
    if (inputWidths.get(input) != before.outputs()) {
      throw new IllegalArgumentException(
          "layer %s reads %d values as vector %d, %s gives %d"
              .formatted(name, inputWidths.get(input), input, before.name, before.outputs()));
    }
    List<Integer> widths = new ArrayList<>(inputWidths.subList(0, input));
    int first = widths.stream().mapToInt(Integer::intValue).sum();
    widths.addAll(before.inputWidths);
    widths.addAll(inputWidths.subList(input + 1, inputWidths.size()));
    int behind = first + before.outputs();
    int moved = before.inputs() - before.outputs();
    int[] composed = new int[index.length];
    for (int i = 0; i < composed.length; i++) {
      int at = index[i];
      if (at < first) {
        composed[i] = at;
      } else if (at >= behind) {
        composed[i] = at + moved;
      } else {
        int from = before.index[at - first];
        composed[i] = from < 0 ? -1 : first + from;
      }
    }
    return new IndexMap(name, widths, composed);
  }

  /** The position that value {@code i} is taken from, or -1 if it is 0. */
  public int at(int i) {
    return index[i];
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<Integer> inputWidths() {
    return inputWidths;
  }

  @Override
  public int outputs() {
    return index.length;
  }

  /** Equal names, widths and positions. */
  @Override
  public boolean equals(Object other) {
    return other instanceof IndexMap map
        && name.equals(map.name)
        && inputWidths.equals(map.inputWidths)
        && Arrays.equals(index, map.index);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(index);
  }

  @Override
  public String toString() {
    return "%s moves %s to %d values".formatted(name, inputWidths, index.length);
  }
}
