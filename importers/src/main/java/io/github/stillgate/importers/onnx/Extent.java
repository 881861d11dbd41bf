package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * A size of a tensor, or a whole number computed from sizes: a number times sizes that the file
 * leaves open, such as {@code 2 x[0]}.
 *
 * @param factor the number
 * @param open names of the open sizes, sorted; one that counts twice stands twice
 */
record Extent(long factor, List<String> open) {
  static final Extent ONE = of(1);

  /** More factors than a shape has; products beyond it are not followed. */
  private static final int MOST_OPEN = 8;

  /** Copies the list. */
  Extent {
    open = factor == 0 ? List.of() : List.copyOf(open);
  }

  static Extent of(long value) {
    return new Extent(value, List.of());
  }

  /** A size that only a run says. */
  static Extent open(String name) {
    return new Extent(1, List.of(name));
  }

  /** The size of dimension {@code i} of a graph input where the file leaves it open. */
  static Extent ofInput(String input, int i) {
    return open("%s[%d]".formatted(input, i));
  }

  boolean isKnown() {
    return open.isEmpty();
  }

  /** Whether it is this number. */
  boolean is(long value) {
    return isKnown() && factor == value;
  }

  /** The product; empty if it has more open factors than are followed. */
  Optional<Extent> times(Extent other) {
    if (factor == 0 || other.factor == 0) {
      return Optional.of(of(0));
    }
    if (open.size() + other.open.size() > MOST_OPEN) {
      return Optional.empty();
    }
    List<String> both = new ArrayList<>(open);
    both.addAll(other.open);
    both.sort(null);
    return Optional.of(new Extent(Math.multiplyExact(factor, other.factor), both));
  }

  /** The quotient where it is one for every open size; empty otherwise. */
  Optional<Extent> dividedBy(Extent other) {
    if (other.factor == 0 || factor % other.factor != 0) {
      return Optional.empty();
    }
    List<String> rest = new ArrayList<>(open);
    for (String name : other.open) {
      if (!rest.remove(name)) {
        return Optional.empty();
      }
    }
    return Optional.of(new Extent(factor / other.factor, rest));
  }

  /** The number that it is where the open sizes are those. */
  long at(ToLongFunction<String> sizes) {
    long value = factor;
    for (String name : open) {
      value = Math.multiplyExact(value, sizes.applyAsLong(name));
    }
    return value;
  }

  /** The product of all; empty if it has more open factors than are followed. */
  static Optional<Extent> product(List<Extent> extents) {
    Optional<Extent> product = Optional.of(ONE);
    for (Extent extent : extents) {
      product = product.flatMap(p -> p.times(extent));
    }
    return product;
  }

  /** The numbers, if all are known. */
  static Optional<long[]> known(List<Extent> extents) {
    return extents.stream().allMatch(Extent::isKnown)
        ? Optional.of(extents.stream().mapToLong(Extent::factor).toArray())
        : Optional.empty();
  }

  static List<Extent> all(long... values) {
    List<Extent> extents = new ArrayList<>();
    for (long value : values) {
      extents.add(of(value));
    }
    return extents;
  }

  /** For messages: an open size is a question mark. */
  @Override
  public String toString() {
    return isKnown() ? Long.toString(factor) : "?";
  }
}
