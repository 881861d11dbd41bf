package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Nodes that only move values: every element of an output is an element of an input, whatever its
 * number. What they do to shapes is known for open sizes too.
 */
final class Movement {
  static final Set<String> OPERATORS =
      Set.of(
          "Concat",
          "Expand",
          "Flatten",
          "Gather",
          "Identity",
          "Reshape",
          "ScatterND",
          "Slice",
          "Split",
          "Squeeze",
          "Tile",
          "Transpose",
          "Unsqueeze");

  private final GraphNode node;
  private final List<Known> inputs;
  private final long opset;
  private final Work work;

  private Movement(GraphNode node, List<Known> inputs, long opset, Work work) {
    this.node = node;
    this.inputs = inputs;
    this.opset = opset;
    this.work = work;
  }

  /**
   * What a node gives.
   *
   * @param inputs what is known of what it reads, in its order
   * @throws NotFoldedException if not even shapes follow from that
   */
  static List<Known> apply(GraphNode node, List<Known> inputs, long opset, Work work) {
    Movement movement = new Movement(node, inputs, opset, work);
    return switch (node.operator()) {
      case "Concat" -> List.of(movement.concat());
      case "Expand" -> List.of(movement.expand());
      case "Flatten" -> List.of(movement.flatten());
      case "Gather" -> List.of(movement.gather());
      case "Reshape" -> List.of(movement.reshape());
      case "ScatterND" -> List.of(movement.scatter());
      case "Slice" -> List.of(movement.slice());
      case "Split" -> movement.split();
      case "Squeeze" -> List.of(movement.squeeze());
      case "Tile" -> List.of(movement.tile());
      case "Transpose" -> List.of(movement.transpose());
      case "Unsqueeze" -> List.of(movement.unsqueeze());
      default -> List.of(movement.input(0));
    };
  }

  /** Whether elements of this input of a node arrive in what it gives. */
  static boolean isMoved(GraphNode node, int input) {
    return switch (node.operator()) {
      case "Concat" -> true;
      case "ScatterND" -> input != 1;
      default -> input == 0;
    };
  }

  private Known input(int i) {
    if (i >= inputs.size()) {
      throw new NotFoldedException("it has no input %d".formatted(i));
    }
    return inputs.get(i);
  }

  private boolean has(int i) {
    return !node.input(i).isEmpty();
  }

  /** The axis as a number from 0 on. */
  private static int axis(long axis, int rank) {
    long at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) {
      throw new NotFoldedException("axis %d of %d dimensions".formatted(axis, rank));
    }
    return (int) at;
  }

  private static int[] axes(long[] listed, int rank) {
    int[] axes = Arrays.stream(listed).mapToInt(axis -> axis(axis, rank)).toArray();
    if (Arrays.stream(axes).distinct().count() != axes.length) {
      throw new NotFoldedException("axes %s name one twice".formatted(Arrays.toString(listed)));
    }
    return axes;
  }

  /** Of an attribute in old versions of an operator, of an input in new ones; empty if neither. */
  private Optional<long[]> listed(String attribute, int input) {
    Optional<long[]> numbers = node.integers(attribute);
    return numbers.isPresent() || !has(input)
        ? numbers
        : Optional.of(input(input).requireIntegers());
  }

  /** The same elements in another shape. */
  private Known reshaped(Known from, List<Extent> shape) {
    requireShape(shape);
    return new Known(from.type(), List.copyOf(shape), from.data(), from.uniform());
  }

  private Known moved(Known from, List<Extent> shape, Supplier<int[]> elements) {
    requireShape(shape);
    Double uniform = from.uniform();
    if (uniform != null) {
      return Known.uniform(from.type(), shape, uniform);
    }
    TensorData data = from.data();
    if (data == null) {
      return Known.ofShape(from.type(), shape);
    }
    work.take(shape, data);
    return Known.of(from.type(), shape, data.pick(elements.get()));
  }

  private static void requireShape(List<Extent> shape) {
    if (shape.size() > TensorLayout.MOST_DIMENSIONS) {
      throw new NotFoldedException("%d dimensions are too many".formatted(shape.size()));
    }
    if (shape.stream().anyMatch(size -> size.factor() < 0)) {
      throw new NotFoldedException("%s is no shape".formatted(shape));
    }
  }

  /**
   * Elements of a tensor.
   *
   * @param shape of the tensor
   * @param order which of its dimensions runs along each dimension of the result
   * @param indices of these dimensions, for each dimension of the result
   */
  private static int[] elements(int[] shape, int[] order, int[][] indices) {
    int[] strides = new int[shape.length];
    int stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    int[] from = {0};
    for (int i = 0; i < order.length; i++) {
      int[] next = new int[Math.multiplyExact(from.length, indices[i].length)];
      int at = 0;
      for (int before : from) {
        for (int index : indices[i]) {
          next[at++] = before + index * strides[order[i]];
        }
      }
      from = next;
    }
    return from;
  }

  private static int[] sizes(List<Extent> shape) {
    return Extent.known(shape)
        .map(sizes -> Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray())
        .orElseThrow();
  }

  private static int[] upTo(int size) {
    int[] all = new int[size];
    Arrays.setAll(all, i -> i);
    return all;
  }

  /** Takes the elements {@code chosen} of one dimension, all of the others. */
  private Known along(Known from, int axis, int[] chosen) {
    return along(from, axis, chosen.length, () -> chosen);
  }

  /** The same; the positions are made when they are needed, and paid for. */
  private Known along(Known from, int axis, int count, Supplier<int[]> positions) {
    List<Extent> shape = new ArrayList<>(from.requireShape());
    shape.set(axis, Extent.of(count));
    return moved(
        from,
        shape,
        () -> {
          int[] sizes = sizes(from.requireShape());
          int[] chosen = positions.get();
          int[][] indices = new int[sizes.length][];
          Arrays.setAll(indices, i -> i == axis ? chosen : upTo(sizes[i]));
          return elements(sizes, upTo(sizes.length), indices);
        });
  }

  private Known transpose() {
    Known from = input(0);
    List<Extent> shape = from.requireShape();
    long[] descending = new long[shape.size()];
    Arrays.setAll(descending, i -> shape.size() - 1 - i);
    int[] order = axes(node.integers("perm").orElse(descending), shape.size());
    if (order.length != shape.size()) {
      throw new NotFoldedException("attribute perm does not fit %s".formatted(shape));
    }
    List<Extent> turned = Arrays.stream(order).mapToObj(shape::get).toList();
    return moved(
        from,
        turned,
        () -> {
          int[] sizes = sizes(shape);
          int[][] indices = new int[sizes.length][];
          Arrays.setAll(indices, i -> upTo(sizes[order[i]]));
          return elements(sizes, order, indices);
        });
  }

  private Known squeeze() {
    Known from = input(0);
    List<Extent> shape = from.requireShape();
    Optional<long[]> listed = listed("axes", 1);
    boolean[] gone = new boolean[shape.size()];
    if (listed.isPresent()) {
      for (int axis : axes(listed.get(), shape.size())) {
        if (shape.get(axis).isKnown() && !shape.get(axis).is(1)) {
          throw new NotFoldedException("removes dimension %d of %s".formatted(axis, shape));
        }
        gone[axis] = true;
      }
    } else {
      for (int i = 0; i < gone.length; i++) {
        if (!shape.get(i).isKnown()) {
          throw new NotFoldedException("names no axes, and sizes are open: %s".formatted(shape));
        }
        gone[i] = shape.get(i).is(1);
      }
    }
    List<Extent> kept = new ArrayList<>();
    for (int i = 0; i < gone.length; i++) {
      if (!gone[i]) {
        kept.add(shape.get(i));
      }
    }
    return reshaped(from, kept);
  }

  private Known unsqueeze() {
    Known from = input(0);
    long[] listed = listed("axes", 1).orElseThrow(() -> new NotFoldedException("it names no axes"));
    List<Extent> shape = new ArrayList<>(from.requireShape());
    if (shape.size() + listed.length > TensorLayout.MOST_DIMENSIONS) {
      throw new NotFoldedException("too many dimensions");
    }
    int[] axes = axes(listed, shape.size() + listed.length);
    Arrays.sort(axes);
    for (int axis : axes) {
      shape.add(axis, Extent.ONE);
    }
    return reshaped(from, shape);
  }

  private Known flatten() {
    Known from = input(0);
    List<Extent> shape = from.requireShape();
    long axis = node.integer("axis", 1);
    long at = axis < 0 ? axis + shape.size() : axis;
    if (at < 0 || at > shape.size()) {
      throw new NotFoldedException("axis %d of %s".formatted(axis, shape));
    }
    return reshaped(
        from,
        List.of(
            product(shape.subList(0, (int) at)), product(shape.subList((int) at, shape.size()))));
  }

  private static Extent product(List<Extent> extents) {
    return Extent.product(extents)
        .orElseThrow(() -> new NotFoldedException("too many open sizes in %s".formatted(extents)));
  }

  private Known reshape() {
    Known from = input(0);
    Optional<long[]> attribute = node.integers("shape");
    List<Extent> wanted =
        attribute.isPresent() ? Extent.all(attribute.get()) : input(1).requireExtents();
    boolean keepsZero = node.flag("allowzero");
    List<Extent> shape = new ArrayList<>();
    int rest = -1;
    for (int i = 0; i < wanted.size(); i++) {
      Extent size = wanted.get(i);
      if (size.is(-1) && rest < 0) {
        rest = i;
        shape.add(Extent.ONE);
      } else if (size.is(0) && !keepsZero) {
        if (i >= from.rank()) {
          throw new NotFoldedException("shape %s for %s".formatted(wanted, from.requireShape()));
        }
        shape.add(from.requireShape().get(i));
      } else if (size.factor() < 0) {
        throw new NotFoldedException("shape %s".formatted(wanted));
      } else {
        shape.add(size);
      }
    }
    if (rest >= 0) {
      shape.set(
          rest,
          product(from.requireShape())
              .dividedBy(product(shape))
              .orElseThrow(() ->
                  new NotFoldedException(
                      "shape %s does not divide %s".formatted(wanted, from.requireShape()))));
    } else if (from.data() != null && !product(shape).equals(product(from.requireShape()))) {
      throw new NotFoldedException("shape %s for %s".formatted(wanted, from.requireShape()));
    }
    return reshaped(from, shape);
  }

  /** Which numbers of a dimension are taken. */
  private record Cut(int start, int step, int count) {
    int[] chosen() {
      int[] chosen = new int[count];
      Arrays.setAll(chosen, i -> start + i * step);
      return chosen;
    }
  }

  private Known slice() {
    Known from = input(0);
    long[] starts = listed("starts", 1).orElseThrow(() -> new NotFoldedException("no starts"));
    long[] ends = listed("ends", 2).orElseThrow(() -> new NotFoldedException("no ends"));
    long[] all = new long[starts.length];
    Arrays.setAll(all, i -> i);
    int[] axes = axes(listed("axes", 3).orElse(all), from.rank());
    long[] one = new long[starts.length];
    Arrays.fill(one, 1);
    long[] steps = has(4) ? input(4).requireIntegers() : one;
    if (ends.length != starts.length || axes.length != all.length || steps.length != all.length) {
      throw new NotFoldedException("starts, ends, axes and steps differ in number");
    }
    Known taken = from;
    for (int i = 0; i < axes.length; i++) {
      taken = cut(taken, axes[i], starts[i], ends[i], steps[i]);
    }
    return taken;
  }

  private Known cut(Known from, int axis, long start, long end, long step) {
    Extent size = from.requireShape().get(axis);
    if (!size.isKnown()) {
      return cutOpen(from, axis, start, end, step);
    }
    Cut cut = cut(size.factor(), start, end, step);
    return cut.count() == size.factor() && step == 1
        ? from
        : along(from, axis, cut.count(), cut::chosen);
  }

  private static Cut cut(long size, long start, long end, long step) {
    if (step == 0 || step == Long.MIN_VALUE) {
      throw new NotFoldedException("a step of %d".formatted(step));
    }
    long low = step > 0 ? 0 : -1;
    long high = step > 0 ? size : size - 1;
    long first = Math.clamp(start < 0 ? start + size : start, Math.max(low, 0), high);
    long last = Math.clamp(end < 0 ? end + size : end, low, high);
    long distance = step > 0 ? last - first : first - last;
    long count = distance <= 0 ? 0 : (distance - 1) / Math.abs(step) + 1;
    return new Cut((int) first, count > 1 ? Math.toIntExact(step) : 1, Math.toIntExact(count));
  }

  /** All, the first or the last of an open size. */
  private Known cutOpen(Known from, int axis, long start, long end, long step) {
    boolean toEnd = end >= Integer.MAX_VALUE;
    if (start == 0 && toEnd && step == 1) {
      return from;
    }
    List<Extent> shape = new ArrayList<>(from.requireShape());
    boolean one = step == 1 && (start == -1 && toEnd || start >= 0 && end == start + 1);
    shape.set(axis, one ? Extent.ONE : work.open());
    if (from.data() != null) {
      throw new NotFoldedException("cuts an open size");
    }
    Double uniform = from.uniform();
    return uniform != null
        ? Known.uniform(from.type(), shape, uniform)
        : Known.ofShape(from.type(), shape);
  }

  private List<Known> split() {
    Known from = input(0);
    int axis = axis(node.integer("axis", 0), from.rank());
    int count = node.proto().getOutputCount();
    Optional<long[]> listed = listed("split", 1);
    Extent size = from.requireShape().get(axis);
    if (!size.isKnown()) {
      throw new NotFoldedException("splits an open size");
    }
    long[] sizes = listed.orElseGet(() -> equal(size.factor(), count));
    if (sizes.length != count
        || Arrays.stream(sizes).anyMatch(part -> part < 0)
        || Arrays.stream(sizes).reduce(0, Math::addExact) != size.factor()) {
      throw new NotFoldedException("splits %s into %s".formatted(size, Arrays.toString(sizes)));
    }
    List<Known> parts = new ArrayList<>();
    long at = 0;
    for (long part : sizes) {
      Cut cut = new Cut(Math.toIntExact(at), 1, Math.toIntExact(part));
      parts.add(along(from, axis, cut.count(), cut::chosen));
      at += part;
    }
    return parts;
  }

  private static long[] equal(long size, int count) {
    long[] sizes = new long[count];
    long each = (size + count - 1) / count;
    for (int i = 0; i < count; i++) {
      sizes[i] = Math.clamp(size - i * each, 0, each);
    }
    return sizes;
  }

  private Known gather() {
    Known from = input(0);
    int axis = axis(node.integer("axis", 0), from.rank());
    List<Extent> shape = new ArrayList<>(from.requireShape().subList(0, axis));
    shape.addAll(input(1).requireShape());
    shape.addAll(from.requireShape().subList(axis + 1, from.rank()));
    requireShape(shape);
    if (input(1).data() == null || from.isOpen()) {
      return Known.ofShape(from.type(), shape);
    }
    long[] indices = input(1).requireIntegers();
    Extent size = from.requireShape().get(axis);
    if (!size.isKnown()) {
      Double uniform = from.uniform();
      if (uniform == null) {
        throw new NotFoldedException("reads an open size");
      }
      return Known.uniform(from.type(), shape, uniform);
    }
    int[] chosen = new int[indices.length];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = axis(indices[i], Math.toIntExact(size.factor()));
    }
    Known taken = along(from, axis, chosen);
    return new Known(taken.type(), List.copyOf(shape), taken.data(), taken.uniform());
  }

  private Known concat() {
    List<Known> parts = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      parts.add(input(i));
    }
    if (parts.isEmpty()) {
      throw new NotFoldedException("joins nothing");
    }
    Known first = parts.getFirst();
    int rank = first.rank();
    int axis = axis(node.integer("axis", opset < 4 ? 1 : 0), rank);
    List<Extent> shape = new ArrayList<>(first.requireShape());
    long known = 0;
    boolean open = false;
    for (Known part : parts) {
      if (part.rank() != rank) {
        throw new NotFoldedException("joins tensors of other ranks");
      }
      for (int i = 0; i < rank; i++) {
        Extent size = part.requireShape().get(i);
        if (i == axis) {
          open |= !size.isKnown();
          known = Math.addExact(known, size.factor());
        } else if (!shape.get(i).equals(size)) {
          if (shape.get(i).isKnown() && size.isKnown()) {
            throw new NotFoldedException(
                "joins %s and %s".formatted(first.requireShape(), part.requireShape()));
          }
          shape.set(i, shape.get(i).isKnown() ? shape.get(i) : size);
        }
      }
    }
    shape.set(axis, open ? parts.size() == 1 ? shape.get(axis) : work.open() : Extent.of(known));
    Double uniform = first.uniform();
    if (uniform != null
        && parts.stream().allMatch(p -> uniform.equals(p.uniform()) && p.type() == first.type())) {
      return Known.uniform(first.type(), shape, uniform);
    }
    if (parts.stream().anyMatch(part -> part.data() == null) || Extent.known(shape).isEmpty()) {
      return Known.ofShape(first.type(), shape);
    }
    List<TensorData> joined = new ArrayList<>();
    for (Known part : parts) {
      TensorData data = part.data();
      if (data != null) {
        joined.add(data);
      }
    }
    work.take(shape, joined.getFirst());
    int[] order = joined(parts, axis, sizes(shape));
    TensorData all = TensorData.join(joined);
    return Known.of(first.type(), shape, axis == 0 ? all : all.pick(order));
  }

  /** Where the elements of a Concat stand in its inputs one behind the other. */
  private static int[] joined(List<Known> parts, int axis, int[] shape) {
    int inner = 1;
    for (int i = axis + 1; i < shape.length; i++) {
      inner *= shape[i];
    }
    int outer = 1;
    for (int i = 0; i < axis; i++) {
      outer *= shape[i];
    }
    int[] from = new int[outer * shape[axis] * inner];
    int at = 0;
    for (int o = 0; o < outer; o++) {
      int begin = 0;
      for (Known part : parts) {
        int block = (int) part.requireShape().get(axis).factor() * inner;
        for (int i = 0; i < block; i++) {
          from[at++] = begin + o * block + i;
        }
        begin += outer * block;
      }
    }
    return from;
  }

  /** Elements of the first input, some of which are replaced by those of the last. */
  private Known scatter() {
    if (!node.text("reduction", "none").equals("none")) {
      throw new NotFoldedException("attribute reduction; supported is none");
    }
    Known from = input(0);
    Known places = input(1);
    Known updates = input(2);
    TensorData data = from.data();
    TensorData other = updates.data();
    if (data == null
        || other == null
        || !(places.data() instanceof TensorData.Integers(long[] indices))
        || data.getClass() != other.getClass()) {
      return Known.ofShape(from.type(), from.requireShape());
    }
    int[] shape = sizes(from.requireShape());
    int[] listed = sizes(places.requireShape());
    int depth = listed.length == 0 ? 0 : listed[listed.length - 1];
    int block = 1;
    for (int i = depth; i < shape.length; i++) {
      block *= shape[i];
    }
    if (depth < 1
        || depth > shape.length
        || other.size() != Math.multiplyExact(indices.length / depth, block)) {
      throw new NotFoldedException(
          "indices of shape %s for %s".formatted(Arrays.toString(listed), Arrays.toString(shape)));
    }
    work.take(from.requireShape(), data);
    int[] order = upTo(data.size());
    for (int i = 0; i < indices.length / depth; i++) {
      int at = 0;
      for (int d = 0; d < depth; d++) {
        at = at * shape[d] + axis(indices[i * depth + d], shape[d]);
      }
      for (int k = 0; k < block; k++) {
        order[at * block + k] = data.size() + i * block + k;
      }
    }
    return Known.of(
        from.type(), from.requireShape(), TensorData.join(List.of(data, other)).pick(order));
  }

  private Known expand() {
    Known from = input(0);
    return stretched(from, work.broadcast(from.requireShape(), input(1).requireExtents()));
  }

  private Known tile() {
    Known from = input(0);
    List<Extent> repeats = input(1).requireExtents();
    if (repeats.size() != from.rank()) {
      throw new NotFoldedException("repeats %s of %s".formatted(repeats, from.requireShape()));
    }
    List<Extent> shape = new ArrayList<>();
    for (int i = 0; i < repeats.size(); i++) {
      shape.add(product(List.of(from.requireShape().get(i), repeats.get(i))));
    }
    return stretched(from, shape);
  }

  /** Repeats each dimension until it is as long as in {@code shape}. */
  private Known stretched(Known from, List<Extent> shape) {
    requireShape(shape);
    TensorData data = from.data();
    if (data == null || Extent.known(shape).isPresent()) {
      return moved(
          from,
          shape,
          () -> {
            int[] wide = sizes(shape);
            int[] sizes = new int[wide.length];
            Arrays.fill(sizes, 1);
            int[] narrow = sizes(from.requireShape());
            System.arraycopy(narrow, 0, sizes, wide.length - narrow.length, narrow.length);
            int[][] indices = new int[wide.length][];
            for (int i = 0; i < wide.length; i++) {
              int size = sizes[i];
              indices[i] = Arrays.stream(upTo(wide[i])).map(index -> index % size).toArray();
            }
            return elements(sizes, upTo(wide.length), indices);
          });
    }
    return Known.uniform(from.type(), shape, work.onlyValue(data));
  }
}
