package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.importers.onnx.Known.Type;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a graph's values before anything runs: constants that nodes compute of other
 * constants, the shape of every value with the sizes that the file leaves open, and numbers
 * computed of such shapes. It is found once, in the order of the file, before anything else is
 * read. An If whose condition is known is replaced by the nodes of its branch, so the nodes that
 * are left are those of one plain graph.
 *
 * <p>Nothing here refuses a file. A node that cannot be known stays as it is, and {@link #problem}
 * says why to whoever needs its value.
 */
final class Folding {
  /** Tensors of so few values are read even if nothing else is known of a node. */
  private static final int FEW = 1_024;

  private final Path file;
  private final long opset;
  private final long fileBytes;
  private final Work work;
  private final Map<Long, Extent> frozen;
  private final Map<String, TensorProto> stored = new HashMap<>();
  private final Map<String, Known> values = new HashMap<>();
  private final Map<String, String> problems = new HashMap<>();
  private final List<GraphNode> nodes = new ArrayList<>();
  private final Map<String, GraphNode> producers = new HashMap<>();
  private final Set<String> nodeNames = new HashSet<>();
  private final Set<String> valueNames = new HashSet<>();

  /** Nodes that are still to be read, and what their values are called in the plain graph. */
  private record Frame(Deque<NodeProto> nodes, Map<String, String> names) {}

  private Folding(Path file, long opset, long fileBytes, Map<Long, Extent> frozen) {
    this.file = file;
    this.frozen = frozen;
    this.opset = opset;
    this.fileBytes = fileBytes;
    this.work = new Work(fileBytes);
  }

  /**
   * Folds a graph.
   *
   * @param fileBytes size of the file, which bounds what is computed
   * @param given what is known of its inputs
   * @param frozen sizes that the file says and that are others here, see {@link #thawed}
   * @throws UnsupportedOnnxException if it has more nodes than {@link Graph#MOST_NODES}
   */
  static Folding of(
      Path file,
      long opset,
      long fileBytes,
      GraphProto graph,
      Map<String, Known> given,
      Map<Long, Extent> frozen) {
    Folding folding = new Folding(file, opset, fileBytes, frozen);
    graph.getInputList().forEach(input -> folding.valueNames.add(input.getName()));
    graph.getInitializerList().forEach(tensor -> folding.store(tensor.getName(), tensor));
    given.forEach(folding.values::putIfAbsent);
    graph.getNodeList().forEach(node -> folding.valueNames.addAll(node.getOutputList()));
    folding.run(new Frame(new ArrayDeque<>(graph.getNodeList()), Map.of()));
    return folding;
  }

  private void run(Frame main) {
    Deque<Frame> frames = new ArrayDeque<>(List.of(main));
    while (!frames.isEmpty()) {
      Frame frame = frames.getLast();
      NodeProto next = frame.nodes().pollFirst();
      if (next == null) {
        frames.removeLast();
        continue;
      }
      if (nodes.size() >= Graph.MOST_NODES) {
        throw new UnsupportedOnnxException(
            file, "has more than %d nodes; supported are that many".formatted(Graph.MOST_NODES));
      }
      GraphNode node = node(renamed(next, frame.names()));
      Optional<GraphProto> branch = branch(node);
      if (branch.isPresent()) {
        frames.addLast(inlined(node, branch.get(), frame.names()));
      } else {
        add(node);
      }
    }
  }

  /** Names of nodes must differ, since layers are called after them. */
  private GraphNode node(NodeProto proto) {
    String name =
        proto.getName().isBlank()
            ? "%s_%d".formatted(proto.getOpType(), nodes.size())
            : proto.getName();
    String own = name;
    for (int number = 2; !nodeNames.add(own); number++) {
      own = "%s_%d".formatted(name, number);
    }
    return new GraphNode(file, own, nodes.size(), proto);
  }

  private static NodeProto renamed(NodeProto proto, Map<String, String> names) {
    if (names.isEmpty()) {
      return proto;
    }
    NodeProto.Builder renamed = proto.toBuilder().clearInput().clearOutput();
    proto.getInputList().forEach(name -> renamed.addInput(names.getOrDefault(name, name)));
    proto.getOutputList().forEach(name -> renamed.addOutput(names.getOrDefault(name, name)));
    return renamed.build();
  }

  /** The graph that an If takes, if it is known which. */
  private Optional<GraphProto> branch(GraphNode node) {
    if (!node.operator().equals("If")) {
      return Optional.empty();
    }
    Known condition = known(node.input(0));
    if (condition.data() instanceof TensorData.Integers(long[] truth) && truth.length == 1) {
      String branch = truth[0] != 0 ? "then_branch" : "else_branch";
      return node.proto().getAttributeList().stream()
          .filter(attribute -> attribute.getName().equals(branch) && attribute.hasG())
          .map(AttributeProto::getG)
          .findFirst()
          .filter(graph -> graph.getOutputCount() == node.proto().getOutputCount());
    }
    return Optional.empty();
  }

  /** The branch's nodes, and behind them one for each output of the If. */
  private Frame inlined(GraphNode node, GraphProto branch, Map<String, String> outer) {
    Map<String, String> names = new HashMap<>(outer);
    branch
        .getInitializerList()
        .forEach(tensor -> names.put(tensor.getName(), fresh(node, tensor.getName())));
    for (NodeProto inner : branch.getNodeList()) {
      for (String output : inner.getOutputList()) {
        if (!output.isEmpty()) {
          names.put(output, fresh(node, output));
        }
      }
    }
    branch
        .getInitializerList()
        .forEach(tensor -> store(names.getOrDefault(tensor.getName(), ""), tensor));
    Deque<NodeProto> inner = new ArrayDeque<>(branch.getNodeList());
    for (int i = 0; i < branch.getOutputCount(); i++) {
      String from = branch.getOutput(i).getName();
      // The If's own outputs are names of the graph around, and must not be renamed again.
      String to = "%s/output %d".formatted(node.name(), i);
      names.put(to, node.output(i));
      inner.add(
          NodeProto.newBuilder()
              .setOpType("Identity")
              .setName("%s/%s".formatted(node.name(), from))
              .addInput(from)
              .addOutput(to)
              .build());
    }
    return new Frame(inner, names);
  }

  private String fresh(GraphNode node, String name) {
    String base = "%s/%s".formatted(node.name(), name);
    String own = base;
    for (int number = 2; !valueNames.add(own); number++) {
      own = "%s_%d".formatted(base, number);
    }
    return own;
  }

  private void store(String name, TensorProto tensor) {
    valueNames.add(name);
    stored.put(name, tensor);
    try {
      values.put(name, decoded(name, tensor, false));
    } catch (OnnxFormatException | UnsupportedOnnxException | NotFoldedException e) {
      problems.put(name, String.valueOf(e.getMessage()));
    }
  }

  /** A tensor of the file; its elements if there are few, or if they are asked for. */
  private Known decoded(String name, TensorProto proto, boolean all) {
    if (proto.getDimsCount() <= TensorLayout.MOST_DIMENSIONS && proto.getDimsList().contains(0L)) {
      Type type = typeOf(proto.getDataType());
      return Known.of(
          type,
          proto.getDimsList().stream().map(Extent::of).toList(),
          type == Type.FLOAT
              ? new TensorData.Floats(new float[0])
              : new TensorData.Integers(new long[0]));
    }
    OnnxTensor tensor = OnnxTensor.of(file, "", name, proto);
    List<Extent> shape = Extent.all(Arrays.stream(tensor.shape()).asLongStream().toArray());
    Type type = typeOf(proto.getDataType());
    if (type == Type.UNKNOWN || !all && tensor.size() > FEW) {
      return Known.ofShape(type, shape);
    }
    if (all) {
      work.take(type == Type.FLOAT ? tensor.size() : 2L * tensor.size());
    }
    return Known.of(type, shape, tensor.data());
  }

  static Type typeOf(int dataType) {
    TensorProto.DataType type = TensorProto.DataType.forNumber(dataType);
    return type == null
        ? Type.UNKNOWN
        : switch (type) {
          case FLOAT, DOUBLE, FLOAT16, BFLOAT16 -> Type.FLOAT;
          case INT8, UINT8, INT16, UINT16, INT32, INT64 -> Type.INTEGER;
          case BOOL -> Type.BOOLEAN;
          default -> Type.UNKNOWN;
        };
  }

  /**
   * What is known of a value.
   *
   * @param elements whether the elements of a large tensor of the file are needed too
   */
  private Known known(String name, boolean elements) {
    Known known = known(name);
    TensorProto tensor = stored.get(name);
    if (elements && tensor != null && known.isOpen() && known.type() != Type.UNKNOWN) {
      known = decoded(name, tensor, true);
      values.put(name, known);
    }
    return known;
  }

  private void add(GraphNode read) {
    GraphNode node = read;
    if (!node.output(0).isEmpty() && node.operator().equals("Constant")) {
      storeConstant(node);
    } else {
      node = withoutZero(withoutJoint(node));
      fold(node);
    }
    nodes.add(node);
    for (String output : node.proto().getOutputList()) {
      producers.putIfAbsent(output, node);
    }
  }

  private void storeConstant(GraphNode node) {
    try {
      store(node.output(0), Graph.constantValue(node));
    } catch (OnnxFormatException | UnsupportedOnnxException e) {
      problems.put(node.output(0), String.valueOf(e.getMessage()));
    }
  }

  private void fold(GraphNode node) {
    try {
      List<Known> outputs = outputs(node, inputs(node), work);
      for (int i = 0; i < Math.min(outputs.size(), node.proto().getOutputCount()); i++) {
        if (!node.output(i).isEmpty()) {
          values.put(node.output(i), outputs.get(i));
        }
      }
    } catch (NotFoldedException
        | ArithmeticException
        | OnnxFormatException
        | UnsupportedOnnxException e) {
      String reason = String.valueOf(e.getMessage());
      if (!reason.isEmpty()) {
        node.proto().getOutputList().forEach(output -> problems.put(output, reason));
      }
    }
  }

  /** The elements of large tensors are read only where all of a node's inputs are known. */
  private List<Known> inputs(GraphNode node) {
    boolean all =
        isFolded(node.operator())
            && !node.operator().equals("Identity")
            && node.proto().getInputList().stream()
                .allMatch(
                    name -> name.isEmpty() || stored.containsKey(name) || !known(name).isOpen());
    return node.proto().getInputList().stream().map(name -> known(name, all)).toList();
  }

  private static boolean isFolded(String operator) {
    return Movement.OPERATORS.contains(operator)
        || Arithmetic.knows(operator)
        || operator.equals("DequantizeLinear");
  }

  private List<Known> outputs(GraphNode node, List<Known> inputs, Work budget) {
    String operator = node.operator();
    if (Movement.OPERATORS.contains(operator)) {
      return Movement.apply(node, thawed(node, inputs), opset, budget);
    }
    if (Arithmetic.knows(operator)) {
      return List.of(Arithmetic.apply(node, inputs, budget));
    }
    return switch (operator) {
      case "Shape" -> List.of(shape(node, inputs));
      case "Size" -> List.of(size(inputs));
      case "ConstantOfShape" -> List.of(constantOfShape(node, inputs));
      case "Range" -> List.of(range(inputs, budget));
      case "DequantizeLinear" -> List.of(dequantized(node, inputs, budget));
      default -> ShapeInference.apply(node, inputs, budget);
    };
  }

  /**
   * What a Reshape reads where an exporter wrote the size of an example into its shape, and the
   * input has another one here: the shape with that other size.
   */
  List<Known> thawed(GraphNode node, List<Known> inputs) {
    if (frozen.isEmpty() || !node.operator().equals("Reshape") || inputs.size() != 2) {
      return inputs;
    }
    List<Extent> wanted = inputs.get(1).requireExtents();
    Optional<Extent> all = Extent.product(first(inputs).requireShape());
    if (all.isEmpty() || fits(wanted, all.get())) {
      return inputs;
    }
    for (int i = 0; i < wanted.size(); i++) {
      Extent size = wanted.get(i);
      Extent other = size.isKnown() ? frozen.get(size.factor()) : null;
      if (other != null) {
        List<Extent> shape = new ArrayList<>(wanted);
        shape.set(i, other);
        if (fits(shape, all.get())) {
          return List.of(first(inputs), vector(shape));
        }
      }
    }
    return inputs;
  }

  /** Whether a tensor of so many elements can have a shape, in which one size may be -1. */
  private static boolean fits(List<Extent> shape, Extent all) {
    List<Extent> rest = shape.stream().filter(size -> !size.is(-1)).toList();
    Optional<Extent> product = Extent.product(rest);
    return rest.stream().noneMatch(size -> size.is(0))
        && product.isPresent()
        && (rest.size() == shape.size()
            ? product.get().equals(all)
            : all.dividedBy(product.get()).isPresent());
  }

  private static Known first(List<Known> inputs) {
    if (inputs.isEmpty()) {
      throw new NotFoldedException("it has no input");
    }
    return inputs.getFirst();
  }

  private static Known shape(GraphNode node, List<Known> inputs) {
    List<Extent> sizes = first(inputs).requireShape();
    int rank = sizes.size();
    long start = node.integer("start", 0);
    long end = node.integer("end", rank);
    int from = (int) Math.clamp(start < 0 ? start + rank : start, 0, rank);
    int to = (int) Math.clamp(end < 0 ? end + rank : end, from, rank);
    return vector(sizes.subList(from, to));
  }

  private static Known vector(List<Extent> extents) {
    return Known.of(
        Type.INTEGER, List.of(Extent.of(extents.size())), TensorData.of(List.copyOf(extents)));
  }

  private static Known size(List<Known> inputs) {
    Extent product =
        Extent.product(first(inputs).requireShape())
            .orElseThrow(() -> new NotFoldedException("too many open sizes"));
    return Known.of(Type.INTEGER, List.of(), TensorData.of(List.of(product)));
  }

  private Known constantOfShape(GraphNode node, List<Known> inputs) {
    List<Extent> shape = first(inputs).requireExtents();
    if (shape.size() > TensorLayout.MOST_DIMENSIONS
        || shape.stream().anyMatch(size -> size.factor() < 0)) {
      throw new NotFoldedException("%s is no shape".formatted(shape));
    }
    Optional<TensorProto> value = node.tensor("value");
    if (value.isEmpty()) {
      return Known.uniform(Type.FLOAT, shape, 0);
    }
    Known one = decoded("value", value.get(), false);
    TensorData data = one.data();
    if (data == null || data.size() != 1) {
      throw new NotFoldedException("its value is not one number");
    }
    return Known.uniform(one.type(), shape, work.onlyValue(data));
  }

  private static Known range(List<Known> inputs, Work budget) {
    if (inputs.size() != 3) {
      throw new NotFoldedException("it has not three inputs");
    }
    long[] ends = new long[3];
    for (int i = 0; i < 3; i++) {
      long[] number = inputs.get(i).requireIntegers();
      if (number.length != 1) {
        throw new NotFoldedException("a bound is not one number");
      }
      ends[i] = number[0];
    }
    if (ends[2] == 0) {
      throw new NotFoldedException("a step of 0");
    }
    long distance = Math.subtractExact(ends[1], ends[0]);
    long count = Math.max(0, Math.ceilDiv(distance, ends[2]));
    budget.take(Math.multiplyExact(2, count));
    long[] values = new long[Math.toIntExact(count)];
    Arrays.setAll(values, i -> ends[0] + i * ends[2]);
    return Known.of(Type.INTEGER, List.of(Extent.of(count)), new TensorData.Integers(values));
  }

  /** {@code (x - zero_point) * scale}, with one scale or one for each element along an axis. */
  private Known dequantized(GraphNode node, List<Known> inputs, Work budget) {
    Known x = first(inputs);
    if (x.data() == null) {
      return Known.ofShape(Type.FLOAT, x.requireShape());
    }
    if (inputs.size() < 2
        || !(x.data() instanceof TensorData.Integers(long[] numbers))
        || !(inputs.get(1).data() instanceof TensorData.Floats(float[] scale))) {
      throw new NotFoldedException("x is not of whole numbers, or its scale is no constant");
    }
    long[] zero = new long[scale.length];
    if (!node.input(2).isEmpty()) {
      zero = inputs.get(2).requireIntegers();
    }
    int[] shape =
        Arrays.stream(Extent.known(x.requireShape()).orElseThrow())
            .mapToInt(Math::toIntExact)
            .toArray();
    int inner = 1;
    if (scale.length > 1) {
      long axis = node.integer("axis", 1);
      long at = axis < 0 ? axis + shape.length : axis;
      if (at < 0 || at >= shape.length || shape[(int) at] != scale.length) {
        throw new NotFoldedException("its scale has another size than axis %d".formatted(axis));
      }
      for (int i = (int) at + 1; i < shape.length; i++) {
        inner *= shape[i];
      }
    }
    if (zero.length != scale.length || scale.length == 0 || node.has("block_size")) {
      throw new NotFoldedException("scale and zero point differ in size, or are for blocks");
    }
    budget.take(numbers.length);
    float[] values = new float[numbers.length];
    for (int i = 0; i < values.length; i++) {
      int k = scale.length == 1 ? 0 : i / inner % scale.length;
      values[i] = (numbers[i] - zero[k]) * scale[k];
    }
    return Known.of(Type.FLOAT, x.requireShape(), new TensorData.Floats(values));
  }

  /** Adding zeros, as exporters do so that an input is read at all, is Identity. */
  private GraphNode withoutZero(GraphNode node) {
    if (!node.operator().equals("Add") || node.proto().getInputCount() != 2) {
      return node;
    }
    for (int side = 0; side < 2; side++) {
      Known other = known(node.input(1 - side));
      if (isZero(node.input(side)) && other.isOpen()) {
        Optional<List<Extent>> zeros = shape(node.input(side));
        boolean single =
            zeros.flatMap(Extent::product).filter(size -> size.is(1)).isPresent()
                && zeros.get().size() <= other.sizes().map(List::size).orElse(0);
        boolean same = single || zeros.isPresent() && zeros.equals(other.sizes());
        if (same) {
          NodeProto.Builder proto = node.proto().toBuilder().setOpType("Identity").clearInput();
          return new GraphNode(
              file, node.name(), node.position(), proto.addInput(node.input(1 - side)).build());
        }
      }
    }
    return node;
  }

  private Known known(String name) {
    return values.getOrDefault(name, Known.NOTHING);
  }

  /** A Gather that reads one part of a Concat reads that part alone. */
  private GraphNode withoutJoint(GraphNode node) {
    GraphNode joint = producers.get(node.input(0));
    if (!node.operator().equals("Gather")
        || joint == null
        || !joint.operator().equals("Concat")
        || known(joint.output(0)).data() != null) {
      return node;
    }
    try {
      int rank = known(joint.output(0)).rank();
      long axis = node.integer("axis", 0);
      long joined = joint.integer("axis", opset < 4 ? 1 : 0);
      long[] index = known(node.input(1), true).requireIntegers();
      if (index.length != 1 || Math.floorMod(axis, rank) != Math.floorMod(joined, rank)) {
        return node;
      }
      return partOfJoint(node, joint, (int) Math.floorMod(axis, (long) rank), index[0]);
    } catch (NotFoldedException | OnnxFormatException e) {
      return node;
    }
  }

  private GraphNode partOfJoint(GraphNode node, GraphNode joint, int axis, long index) {
    List<Extent> sizes =
        joint.proto().getInputList().stream()
            .map(name -> known(name).requireShape().get(axis))
            .toList();
    long[] each =
        Extent.known(sizes).orElseThrow(() -> new NotFoldedException("a part is of open size"));
    long rest = index < 0 ? index + Arrays.stream(each).sum() : index;
    for (int part = 0; part < each.length && rest >= 0; part++) {
      if (rest < each[part]) {
        String at = fresh(node, "index");
        values.put(
            at,
            Known.of(
                Type.INTEGER,
                known(node.input(1), true).requireShape(),
                new TensorData.Integers(new long[] {rest})));
        NodeProto proto =
            node.proto().toBuilder().setInput(0, joint.input(part)).setInput(1, at).build();
        return new GraphNode(file, node.name(), node.position(), proto);
      }
      rest -= each[part];
    }
    return node;
  }

  /** The nodes of the plain graph, sorted as the file has them, constants too. */
  List<GraphNode> nodes() {
    return Collections.unmodifiableList(nodes);
  }

  /** The tensors of the file by name, those of branches that were taken among them. */
  Map<String, TensorProto> stored() {
    return stored;
  }

  /** Whether a value is the same whatever the graph reads, open sizes aside. */
  private boolean isKnown(String name) {
    return stored.containsKey(name) || !known(name).isOpen();
  }

  /** A constant that nodes computed, if it is one and all of its sizes are known. */
  Optional<OnnxTensor> computed(String reader, String name) {
    return tensor(reader, name, known(name));
  }

  private Optional<OnnxTensor> tensor(String reader, String name, Known known) {
    Optional<long[]> sizes = known.sizes().flatMap(Extent::known);
    TensorData data = known.data();
    Double uniform = known.uniform();
    if (sizes.isEmpty()
        || data instanceof TensorData.Extents
        || data == null && uniform == null
        || Arrays.stream(sizes.get()).anyMatch(size -> size < 1)) {
      return Optional.empty();
    }
    try {
      int[] shape = Arrays.stream(sizes.get()).mapToInt(Math::toIntExact).toArray();
      int size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
      return Optional.of(
          data != null
              ? OnnxTensor.computed(file, reader, name, shape, data)
              : OnnxTensor.uniform(
                  file, reader, name, shape, size, known.type() == Type.FLOAT, uniform));
    } catch (ArithmeticException e) {
      return Optional.empty();
    }
  }

  /** The sizes of a value. */
  Optional<List<Extent>> shape(String name) {
    return known(name).sizes();
  }

  /** What is known of a value, elements of the file's tensors too. */
  Known value(String name) {
    return known(name, true);
  }

  /** A value that is whole numbers, some of which may depend on open sizes. */
  Optional<List<Extent>> extents(String name) {
    try {
      return Optional.of(known(name, true).requireExtents());
    } catch (NotFoldedException | OnnxFormatException e) {
      return Optional.empty();
    }
  }

  /** Whether all elements of a value that nodes computed are 0, of floating-point numbers. */
  boolean isZero(String name) {
    Known known = known(name);
    if (known.type() != Type.FLOAT) {
      return false;
    }
    Double uniform = known.uniform();
    if (uniform != null) {
      return uniform == 0;
    }
    if (known.data() instanceof TensorData.Floats(float[] elements)) {
      for (float element : elements) {
        if (element != 0) {
          return false;
        }
      }
      return true;
    }
    return false;
  }

  /** Why a value is not known; empty if nothing was tried. */
  String problem(String name) {
    return problems.getOrDefault(name, "");
  }

  /**
   * A value, from values that are given.
   *
   * @param given by name, among them open ones
   * @param open the open sizes
   * @param onlyMoves whether the nodes in between may only move values (and cast them to
   *     floating-point numbers), which then need not be floating-point numbers
   * @return it; empty if something else is needed for it, or a node computes what is not followed
   */
  Optional<Known> evaluate(
      String value,
      Function<String, Optional<Known>> given,
      ToLongFunction<String> open,
      boolean onlyMoves) {
    List<GraphNode> needed = new ArrayList<>();
    Set<Integer> seen = new HashSet<>();
    Deque<String> names = new ArrayDeque<>(List.of(value));
    while (!names.isEmpty()) {
      String name = names.removeLast();
      if (name.isEmpty() || isKnown(name) || given.apply(name).isPresent()) {
        continue;
      }
      GraphNode node = producers.get(name);
      if (node == null || onlyMoves && !isMove(node)) {
        return Optional.empty();
      }
      if (seen.add(node.position())) {
        needed.add(node);
        names.addAll(node.proto().getInputList());
      }
    }
    needed.sort(Comparator.comparingInt(GraphNode::position));
    Map<String, Known> found = new HashMap<>();
    Work budget = new Work(fileBytes);
    try {
      for (GraphNode node : needed) {
        List<Known> inputs = new ArrayList<>();
        for (String name : node.proto().getInputList()) {
          inputs.add(found.computeIfAbsent(name, read -> value(read, given, open)));
        }
        List<Known> outputs =
            onlyMoves && node.operator().equals("Cast")
                ? inputs.subList(0, 1)
                : outputs(node, inputs, budget);
        for (int i = 0; i < Math.min(outputs.size(), node.proto().getOutputCount()); i++) {
          found.put(node.output(i), outputs.get(i));
        }
      }
      return Optional.of(found.computeIfAbsent(value, read -> value(read, given, open)))
          .filter(known -> !known.isOpen());
    } catch (NotFoldedException
        | ArithmeticException
        | OnnxFormatException
        | UnsupportedOnnxException e) {
      return Optional.empty();
    }
  }

  private Known value(
      String name, Function<String, Optional<Known>> given, ToLongFunction<String> open) {
    return isKnown(name) ? at(known(name, true), open) : given.apply(name).orElse(Known.NOTHING);
  }

  /** A value as a tensor, from values that are given; empty as for {@link #evaluate}. */
  Optional<OnnxTensor> evaluated(
      String reader, String value, Function<String, Optional<Known>> given) {
    ToLongFunction<String> none =
        name -> {
          throw new NotFoldedException("%s is open".formatted(name));
        };
    return evaluate(value, given, none, false).flatMap(known -> tensor(reader, value, known));
  }

  private static boolean isMove(GraphNode node) {
    return Movement.OPERATORS.contains(node.operator())
        || node.operator().equals("Cast") && typeOf((int) node.integer("to", 0)) == Type.FLOAT
        || Set.of("Shape", "Size", "ConstantOfShape").contains(node.operator());
  }

  /** The same where open sizes are those. */
  private static Known at(Known known, ToLongFunction<String> open) {
    @Nullable List<Extent> shape = known.shape();
    if (shape != null && Extent.known(shape).isEmpty()) {
      shape = shape.stream().map(extent -> Extent.of(extent.at(open))).toList();
    }
    TensorData data = known.data();
    return new Known(
        known.type(),
        shape,
        data instanceof TensorData.Extents extents ? extents.at(open) : data,
        known.uniform());
  }
}
