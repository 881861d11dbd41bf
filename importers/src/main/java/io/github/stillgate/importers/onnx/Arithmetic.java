package io.github.stillgate.importers.onnx;

import io.github.stillgate.importers.onnx.Known.Type;
import io.github.stillgate.importers.onnx.TensorData.Floats;
import io.github.stillgate.importers.onnx.TensorData.Integers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Nodes that compute each element from elements of their inputs at the same place, with operands
 * stretched as ONNX does. Floating-point numbers are computed in float32, one operation at a time;
 * whole numbers exactly, or not at all where they overflow 64 bits. Sizes that are open are
 * followed through products and exact quotients.
 */
final class Arithmetic {
  private static final Set<String> BINARY =
      Set.of("Add", "Sub", "Mul", "Div", "Mod", "Pow", "Min", "Max");
  private static final Set<String> COMPARISONS =
      Set.of("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor");
  private static final Set<String> UNARY =
      Set.of("Neg", "Abs", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Not", "Cast", "Sign");

  private final GraphNode node;
  private final List<Known> inputs;
  private final Work work;

  private Arithmetic(GraphNode node, List<Known> inputs, Work work) {
    this.node = node;
    this.inputs = inputs;
    this.work = work;
  }

  static boolean knows(String operator) {
    return BINARY.contains(operator)
        || COMPARISONS.contains(operator)
        || UNARY.contains(operator)
        || operator.equals("Where");
  }

  /**
   * What a node gives.
   *
   * @throws NotFoldedException if not even shapes follow from what is known
   */
  static Known apply(GraphNode node, List<Known> inputs, Work work) {
    Arithmetic arithmetic = new Arithmetic(node, inputs, work);
    String operator = node.operator();
    if (inputs.isEmpty()) {
      throw new NotFoldedException("it has no input");
    }
    if (UNARY.contains(operator)) {
      return arithmetic.unary();
    }
    if (operator.equals("Where")) {
      return arithmetic.where();
    }
    Known result = inputs.getFirst();
    if (inputs.size() < 2 && !operator.equals("Min") && !operator.equals("Max")) {
      throw new NotFoldedException("it has one input");
    }
    for (Known next : inputs.subList(1, inputs.size())) {
      result = arithmetic.binary(result, next);
    }
    return result;
  }

  private Known unary() {
    Known from = inputs.getFirst();
    List<Extent> shape = from.requireShape();
    Type type = node.operator().equals("Cast") ? castType() : from.type();
    Double uniform = from.uniform();
    if (uniform != null) {
      return Known.uniform(type, shape, uniform(uniform, type));
    }
    TensorData data = from.data();
    if (data == null) {
      return Known.ofShape(type, shape);
    }
    if (data instanceof TensorData.Extents
        && node.operator().equals("Cast")
        && type == Type.INTEGER) {
      return from;
    }
    work.take(shape, data);
    return Known.of(
        type,
        shape,
        switch (data) {
          case Floats(float[] values) when type == Type.FLOAT -> {
            float[] results = new float[values.length];
            for (int i = 0; i < values.length; i++) {
              results[i] = ofFloat(values[i]);
            }
            yield new Floats(results);
          }
          case Floats(float[] values) -> {
            long[] results = new long[values.length];
            for (int i = 0; i < values.length; i++) {
              results[i] = truncated(values[i], type);
            }
            yield new Integers(results);
          }
          case Integers(long[] values) when type == Type.FLOAT -> {
            float[] results = new float[values.length];
            for (int i = 0; i < values.length; i++) {
              results[i] = values[i];
            }
            yield new Floats(results);
          }
          case Integers(long[] values) -> {
            long[] results = new long[values.length];
            for (int i = 0; i < values.length; i++) {
              results[i] =
                  type == Type.BOOLEAN && !node.operator().equals("Not")
                      ? values[i] == 0 ? 0 : 1
                      : ofInteger(values[i]);
            }
            yield new Integers(results);
          }
          case TensorData.Extents _ ->
              throw new NotFoldedException("it changes sizes that the file leaves open");
        });
  }

  private double uniform(double value, Type type) {
    return switch (node.operator()) {
      case "Cast" -> type == Type.FLOAT ? (float) value : truncated((float) value, type);
      default -> type == Type.FLOAT ? ofFloat((float) value) : ofInteger((long) value);
    };
  }

  private static long truncated(float value, Type type) {
    if (type == Type.BOOLEAN) {
      return value == 0 ? 0 : 1;
    }
    if (!(Math.abs(value) <= 1L << 53)) {
      throw new NotFoldedException("%s is no whole number".formatted(value));
    }
    return (long) value;
  }

  /** FLOAT and what is read as such, INT32, INT64 and BOOL. */
  private Type castType() {
    return switch ((int) node.integer("to", 0)) {
      case 1, 10, 11, 16 -> Type.FLOAT;
      case 6, 7 -> Type.INTEGER;
      case 9 -> Type.BOOLEAN;
      default -> throw new NotFoldedException("casts to another type");
    };
  }

  private float ofFloat(float value) {
    return switch (node.operator()) {
      case "Neg" -> -value;
      case "Abs" -> Math.abs(value);
      case "Floor" -> (float) Math.floor(value);
      case "Ceil" -> (float) Math.ceil(value);
      case "Round" -> (float) Math.rint(value);
      case "Sqrt" -> (float) Math.sqrt(value);
      case "Reciprocal" -> 1 / value;
      case "Sign" -> Math.signum(value);
      case "Cast" -> value;
      default -> throw new NotFoldedException("it reads floating-point numbers");
    };
  }

  private long ofInteger(long value) {
    return switch (node.operator()) {
      case "Neg" -> Math.negateExact(value);
      case "Abs" -> Math.absExact(value);
      case "Sign" -> Long.signum(value);
      case "Not" -> value == 0 ? 1 : 0;
      case "Cast" -> value;
      default -> throw new NotFoldedException("it reads whole numbers");
    };
  }

  private Known binary(Known a, Known b) {
    List<Extent> shape = work.broadcast(a.requireShape(), b.requireShape());
    Type type = COMPARISONS.contains(node.operator()) ? Type.BOOLEAN : common(a, b);
    Double x = a.uniform();
    Double y = b.uniform();
    if (x == null && y == null && (a.data() == null || b.data() == null)
        || x != null && b.isOpen()
        || y != null && a.isOpen()) {
      return Known.ofShape(type, shape);
    }
    if (x != null || y != null) {
      Type read = common(a, b);
      double first = x != null ? x : work.onlyValue(data(a));
      double second = y != null ? y : work.onlyValue(data(b));
      return Known.uniform(
          type,
          shape,
          read == Type.FLOAT
              ? type == Type.BOOLEAN
                  ? compared((float) first, (float) second)
                  : ofFloats((float) first, (float) second)
              : type == Type.BOOLEAN
                  ? compared((long) first, (long) second)
                  : ofIntegers((long) first, (long) second));
    }
    return Known.of(
        type, shape, ofData(data(a), data(b), type, places(a, shape), places(b, shape)));
  }

  private static TensorData data(Known known) {
    TensorData data = known.data();
    if (data == null) {
      throw new NotFoldedException("it is computed");
    }
    return data;
  }

  private static Type common(Known a, Known b) {
    if (a.type() != b.type() && a.type() != Type.UNKNOWN && b.type() != Type.UNKNOWN) {
      throw new NotFoldedException("its operands are %s and %s".formatted(a.type(), b.type()));
    }
    return a.type() == Type.UNKNOWN ? b.type() : a.type();
  }

  /** For each element of the stretched shape, the element of {@code of} that it is. */
  private int[] places(Known of, List<Extent> shape) {
    long[] wide =
        Extent.known(shape).orElseThrow(() -> new NotFoldedException("its shape is open"));
    long[] narrow = Extent.known(of.requireShape()).orElseThrow();
    long size = Arrays.stream(wide).reduce(1, Math::multiplyExact);
    work.take(size);
    int[] from = {0};
    int stride = data(of).size();
    for (int i = 0; i < wide.length; i++) {
      int at = i - wide.length + narrow.length;
      int extent = at < 0 ? 1 : (int) narrow[at];
      stride = extent == 0 ? 0 : stride / extent;
      int[] next = new int[Math.multiplyExact(from.length, Math.toIntExact(wide[i]))];
      int to = 0;
      for (int before : from) {
        for (int k = 0; k < wide[i]; k++) {
          next[to++] = before + (extent == 1 ? 0 : k * stride);
        }
      }
      from = next;
    }
    return from;
  }

  private TensorData ofData(TensorData a, TensorData b, Type type, int[] at, int[] bt) {
    work.take(2L * at.length);
    if (a instanceof Floats(float[] x) && b instanceof Floats(float[] y)) {
      if (type == Type.BOOLEAN) {
        long[] results = new long[at.length];
        for (int i = 0; i < at.length; i++) {
          results[i] = compared(x[at[i]], y[bt[i]]);
        }
        return new Integers(results);
      }
      float[] results = new float[at.length];
      for (int i = 0; i < at.length; i++) {
        results[i] = ofFloats(x[at[i]], y[bt[i]]);
      }
      return new Floats(results);
    }
    if (a instanceof Integers(long[] x) && b instanceof Integers(long[] y)) {
      long[] results = new long[at.length];
      for (int i = 0; i < at.length; i++) {
        results[i] =
            type == Type.BOOLEAN ? compared(x[at[i]], y[bt[i]]) : ofIntegers(x[at[i]], y[bt[i]]);
      }
      return new Integers(results);
    }
    List<Extent> x = TensorData.extents(a);
    List<Extent> y = TensorData.extents(b);
    if (at.length > TensorData.Extents.MOST) {
      throw new NotFoldedException("more sizes than shapes have");
    }
    List<Extent> results = new ArrayList<>();
    for (int i = 0; i < at.length; i++) {
      results.add(ofExtents(x.get(at[i]), y.get(bt[i])));
    }
    return TensorData.of(results);
  }

  private Extent ofExtents(Extent x, Extent y) {
    if (x.isKnown() && y.isKnown()) {
      return Extent.of(
          COMPARISONS.contains(node.operator())
              ? compared(x.factor(), y.factor())
              : ofIntegers(x.factor(), y.factor()));
    }
    NotFoldedException open =
        new NotFoldedException("what it gives depends on a size that the file leaves open");
    return switch (node.operator()) {
      case "Mul" -> x.times(y).orElseThrow(() -> open);
      case "Div" -> x.dividedBy(y).orElseThrow(() -> open);
      case "Add" -> {
        if (!x.is(0) && !y.is(0)) {
          throw open;
        }
        yield x.is(0) ? y : x;
      }
      case "Sub" -> {
        if (!y.is(0) && !x.equals(y)) {
          throw open;
        }
        yield y.is(0) ? x : Extent.of(0);
      }
      // Sizes are at least 1: exporters ask whether one is -1.
      case "Equal" -> {
        boolean differ =
            x.factor() > 0 && y.isKnown() && y.factor() <= 0
                || y.factor() > 0 && x.isKnown() && x.factor() <= 0;
        if (!x.equals(y) && !differ) {
          throw open;
        }
        yield Extent.of(x.equals(y) ? 1 : 0);
      }
      default -> throw open;
    };
  }

  private float ofFloats(float x, float y) {
    return switch (node.operator()) {
      case "Add" -> x + y;
      case "Sub" -> x - y;
      case "Mul" -> x * y;
      case "Div" -> x / y;
      case "Pow" -> (float) Math.pow(x, y);
      case "Min" -> Math.min(x, y);
      case "Max" -> Math.max(x, y);
      case "Mod" -> {
        if (!node.flag("fmod")) {
          throw new NotFoldedException("Mod of floating-point numbers without fmod");
        }
        yield x % y;
      }
      default -> throw new NotFoldedException("it reads floating-point numbers");
    };
  }

  private long ofIntegers(long x, long y) {
    return switch (node.operator()) {
      case "Add" -> Math.addExact(x, y);
      case "Sub" -> Math.subtractExact(x, y);
      case "Mul" -> Math.multiplyExact(x, y);
      case "Min" -> Math.min(x, y);
      case "Max" -> Math.max(x, y);
      case "Div" -> Math.divideExact(x, y);
      case "Mod" -> node.flag("fmod") ? x % y : Math.floorMod(x, y);
      default -> throw new NotFoldedException("it reads whole numbers");
    };
  }

  private int compared(float x, float y) {
    return switch (node.operator()) {
          case "Equal" -> x == y;
          case "Greater" -> x > y;
          case "GreaterOrEqual" -> x >= y;
          case "Less" -> x < y;
          case "LessOrEqual" -> x <= y;
          default -> throw new NotFoldedException("it reads floating-point numbers");
        }
        ? 1
        : 0;
  }

  private int compared(long x, long y) {
    return switch (node.operator()) {
          case "Equal" -> x == y;
          case "Greater" -> x > y;
          case "GreaterOrEqual" -> x >= y;
          case "Less" -> x < y;
          case "LessOrEqual" -> x <= y;
          case "And" -> x != 0 && y != 0;
          case "Or" -> x != 0 || y != 0;
          default -> x != 0 ^ y != 0;
        }
        ? 1
        : 0;
  }

  private Known where() {
    if (inputs.size() != 3) {
      throw new NotFoldedException("it has not three inputs");
    }
    Known condition = inputs.get(0);
    Known yes = inputs.get(1);
    Known no = inputs.get(2);
    List<Extent> shape =
        work.broadcast(
            work.broadcast(condition.requireShape(), yes.requireShape()), no.requireShape());
    Type type = common(yes, no);
    if (condition.data() == null || yes.data() == null || no.data() == null) {
      return Known.ofShape(type, shape);
    }
    int[] which = places(condition, shape);
    TensorData both = TensorData.join(List.of(data(yes), data(no)));
    int[] ofYes = places(yes, shape);
    int[] ofNo = places(no, shape);
    if (!(data(condition) instanceof Integers(long[] truths))) {
      throw new NotFoldedException("its condition depends on a size that the file leaves open");
    }
    int[] from = new int[which.length];
    for (int i = 0; i < from.length; i++) {
      from[i] = truths[which[i]] != 0 ? ofYes[i] : data(yes).size() + ofNo[i];
    }
    work.take(shape, both);
    return Known.of(type, shape, both.pick(from));
  }
}
