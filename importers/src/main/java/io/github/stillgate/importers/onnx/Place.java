package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where in a tensor that holds states one of them stands.
 *
 * @param value name of the tensor
 * @param ranges for each of its dimensions {@code i}, {@code i:j} or {@code :}, which are left out
 *     at the end
 */
record Place(String value, List<String> ranges) {
  private static final String ALL = ":";

  /** Copies the list. */
  Place {
    List<String> kept = new ArrayList<>(ranges);
    while (!kept.isEmpty() && kept.getLast().equals(ALL)) {
      kept.removeLast();
    }
    ranges = List.copyOf(kept);
  }

  /**
   * The place of a state.
   *
   * @param value name of the tensor
   * @param shape of the tensor
   * @param elements of the tensor: those of the state, streams x units
   * @param streams at least 1
   * @return it; empty if streams are not along one dimension of the tensor, or units are not in
   *     their order
   */
  static Optional<Place> of(String value, int[] shape, int[] elements, int streams) {
    int units = elements.length / streams;
    int[] least = shape.clone();
    int[] most = new int[shape.length];
    boolean[] stream = new boolean[shape.length];
    Arrays.fill(stream, streams > 1);
    for (int i = 0; i < elements.length; i++) {
      if (i % units > 0 && elements[i] <= elements[i - 1]) {
        return Optional.empty();
      }
      int rest = elements[i];
      for (int d = shape.length - 1; d >= 0; d--) {
        int at = rest % shape[d];
        rest /= shape[d];
        least[d] = Math.min(least[d], at);
        most[d] = Math.max(most[d], at);
        stream[d] &= shape[d] == streams && at == i / units;
      }
    }
    boolean found = streams == 1;
    List<String> ranges = new ArrayList<>();
    for (int d = 0; d < shape.length; d++) {
      found |= stream[d];
      if (least[d] == 0 && most[d] == shape[d] - 1) {
        ranges.add(ALL);
      } else {
        ranges.add(
            least[d] == most[d]
                ? String.valueOf(least[d])
                : "%d:%d".formatted(least[d], most[d] + 1));
      }
    }
    return found ? Optional.of(new Place(value, ranges)) : Optional.empty();
  }

  /**
   * The place of all of several in one tensor: dimensions in which they differ are taken whole.
   *
   * @return it; empty if one is not known
   */
  static Optional<Place> around(List<@Nullable Place> places) {
    Place first = places.getFirst();
    if (first == null) {
      return Optional.empty();
    }
    List<String> ranges = new ArrayList<>(first.ranges());
    for (Place place : places) {
      if (place == null) {
        return Optional.empty();
      }
      for (int d = 0; d < ranges.size(); d++) {
        String range = d < place.ranges().size() ? place.ranges().get(d) : ALL;
        ranges.set(d, range.equals(ranges.get(d)) ? range : ALL);
      }
    }
    return Optional.of(new Place(first.value(), ranges));
  }

  /** Whether it is the whole tensor. */
  boolean isAll() {
    return ranges.isEmpty();
  }

  /** Such as {@code h[0]}. */
  @Override
  public String toString() {
    return isAll() ? value : "%s[%s]".formatted(value, String.join(", ", ranges));
  }
}
