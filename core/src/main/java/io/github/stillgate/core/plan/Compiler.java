package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.CheckedBackend;
import io.github.stillgate.core.kernel.DenseProducts;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.WeightedSum;
import io.github.stillgate.core.stage.AlongStage;
import io.github.stillgate.core.stage.CarriedGruStage;
import io.github.stillgate.core.stage.CombineStage;
import io.github.stillgate.core.stage.ConditionalDenseStage;
import io.github.stillgate.core.stage.ConditionalGruStage;
import io.github.stillgate.core.stage.ConstantStage;
import io.github.stillgate.core.stage.Crossover;
import io.github.stillgate.core.stage.DenseStage;
import io.github.stillgate.core.stage.ElementwiseStage;
import io.github.stillgate.core.stage.GruStage;
import io.github.stillgate.core.stage.IndexMapStage;
import io.github.stillgate.core.stage.Int8Operands;
import io.github.stillgate.core.stage.LstmStage;
import io.github.stillgate.core.stage.MatrixProductStage;
import io.github.stillgate.core.stage.Network;
import io.github.stillgate.core.stage.NormaliseStage;
import io.github.stillgate.core.stage.Packing;
import io.github.stillgate.core.stage.PerPositionStage;
import io.github.stillgate.core.stage.PositionsStage;
import io.github.stillgate.core.stage.ReductionStage;
import io.github.stillgate.core.stage.ResetBeforeGruStage;
import io.github.stillgate.core.stage.SimpleRnnStage;
import io.github.stillgate.core.stage.Slot;
import io.github.stillgate.core.stage.SoftmaxStage;
import io.github.stillgate.core.stage.SruStage;
import io.github.stillgate.core.stage.Stage;
import io.github.stillgate.core.stage.StatePart;
import io.github.stillgate.core.stage.WeightedSumStage;
import io.github.stillgate.core.stage.Wiring;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes stages of layers: the only place that knows which stage runs which layer. */
final class Compiler {
  private final PlanOptions options;
  private final Backend backend;
  private final Arena memory;
  private final Model model;
  private final Set<OperandScale> scales;

  private Compiler(
      PlanOptions options, Backend backend, Arena memory, Model model, Set<OperandScale> scales) {
    this.options = options;
    this.backend = backend;
    this.memory = memory;
    this.model = model;
    this.scales = scales;
  }

  /** With assertions enabled, {@code backend} after checks of what its kernels trust. */
  private static Backend checkedIfAsserting(Backend backend) {
    boolean asserting = false;
    assert asserting = true;
    return asserting ? CheckedBackend.of(backend) : backend;
  }

  /**
   * Packs the layers of {@code model} for {@code backend}.
   *
   * @param inputBound largest magnitude of an input
   * @param scales receives what operands of int8 layers are rounded by
   * @throws IllegalArgumentException if a sum could overflow float32, or the options name a layer
   *     that the model does not have
   */
  static Network compile(
      Model model,
      PlanOptions options,
      float inputBound,
      Backend backend,
      Set<OperandScale> scales) {
    requireLayers(model, options);
    checkLimits(model, options);
    Backend used = checkedIfAsserting(backend);
    Wiring wiring = wiring(model);
    Network network =
        Network.pack(
            wiring,
            used.vectors(),
            options.threads().team(),
            memory -> new Compiler(options, used, memory, model, scales).slots(wiring, inputBound));
    if (options.limits().deadline().isPresent()
        && !(network.isForward() && network.canBeBounded())) {
      boolean forward = network.isForward();
      network.close();
      throw new IllegalArgumentException(
          forward
              ? "a deadline, but nothing in this model can be cut to meet one; it needs a conditional"
                  + " layer, or int8 weights (withWeights(WeightFormat.I8)) and operands of a fixed scale"
              : "a deadline is for steps, but this model reads its input from the end");
    }
    return network;
  }

  private static void requireLayers(Model model, PlanOptions options) {
    requireLayers("withWeights", options.layerWeights().keySet(), model);
    requireLayers("withMovementThreshold", options.limits().thresholds().keySet(), model);
  }

  private static void requireLayers(String option, Set<String> named, Model model) {
    List<String> names = model.layers().stream().map(Layer::name).toList();
    for (String layer : named) {
      if (!names.contains(layer)) {
        throw new IllegalArgumentException(
            "PlanOptions.%s names layer %s, which the model does not have; it has %s"
                .formatted(option, layer, names));
      }
    }
  }

  private static void checkLimits(Model model, PlanOptions options) {
    Limits limits = options.limits();
    if (limits.maxLive().isPresent()
        && model.layers().stream().noneMatch(layer -> isGated(layer, options))) {
      List<String> names = model.layers().stream().map(Layer::name).toList();
      throw new IllegalArgumentException(
          "a bound on live units, but in the layers %s all units are live; it needs a conditional"
                  .formatted(names)
              + " layer, or an ordinary GRU and Skipping.below");
    }
    boolean isAnyInt8 =
        model.layers().stream().anyMatch(l -> options.weights(l.name()) == WeightFormat.I8);
    if (limits.ofMovement() && !isAnyInt8) {
      throw new IllegalArgumentException(
          "a movement threshold or a bound on moved values needs int8 weights, these are %s; compile"
                  .formatted(options.weights())
              + " with withWeights(WeightFormat.I8)");
    }
  }

  private static boolean isGated(Layer layer, PlanOptions options) {
    return switch (layer) {
      case ConditionalGru _, ConditionalDense _ -> true;
      case Bidirectional pair ->
          isGated(pair.forward(), options) || isGated(pair.backward(), options);
      case Backward backward -> isGated(backward.layer(), options);
      default -> options.skipping().approximates(layer);
    };
  }

  private static Wiring wiring(Model model) {
    if (model.isChain()) {
      return Wiring.chain(model.inputs(), model.layers().size());
    }
    Graph graph = model.graph();
    Map<String, Integer> numbers = new HashMap<>();
    for (String value : graph.values()) {
      numbers.put(value, numbers.size());
    }
    return new Wiring(
        graph.inputs().stream().map(Graph.Value::width).toList(),
        graph.states().stream()
            .map(state ->
                new Wiring.Replaced(
                    StatePart.replaced(state.name(), state.width(), state.initial()),
                    numbers.get(state.next())))
            .toList(),
        graph.nodes().stream()
            .map(node -> node.inputs().stream().map(numbers::get).toList())
            .toList(),
        graph.outputs().stream().map(numbers::get).toList());
  }

  private List<Slot> slots(Wiring wiring, double inputBound) {
    List<Slot> slots = new ArrayList<>();
    List<Double> bounds = new ArrayList<>(Collections.nCopies(wiring.inputs().size(), inputBound));
    bounds.addAll(Collections.nCopies(wiring.states().size(), (double) Operation.LIMIT));
    boolean tokens = model.readsTokens();
    for (int i = 0; i < model.layers().size(); i++) {
      List<Double> read = wiring.reads().get(i).stream().map(bounds::get).toList();
      Slot slot = slot(model.layers().get(i), read, tokens);
      slots.add(slot);
      bounds.add(slot.outputBound());
      tokens = false;
    }
    requireBounds(wiring, bounds);
    return slots;
  }

  /** A state's bound is what its layers were packed for. */
  private static void requireBounds(Wiring wiring, List<Double> bounds) {
    for (Wiring.Replaced state : wiring.states()) {
      if (bounds.get(state.next()) > Operation.LIMIT) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "state %s becomes a value that could reach %.3g; at most %.3g is taken. Clip it"
                    + " with a layer behind (Activation.clip)",
                state.part().name(),
                bounds.get(state.next()),
                Operation.LIMIT));
      }
    }
  }

  private @Nullable DenseProducts blas() {
    return options.blas() ? Backends.requireBlas() : null;
  }

  /** The floor's name for a layer's format. */
  private io.github.stillgate.core.kernel.WeightFormat format(String layer) {
    return switch (options.weights(layer)) {
      case F32 -> io.github.stillgate.core.kernel.WeightFormat.F32;
      case BF16 -> io.github.stillgate.core.kernel.WeightFormat.BF16;
      case I8 -> io.github.stillgate.core.kernel.WeightFormat.I8;
    };
  }

  private Slot slot(Layer layer, List<Double> bounds, boolean tokens) {
    return switch (layer) {
      case Along along ->
          Slot.forward(along.name(), new AlongStage(along, slot(along.layer(), bounds, tokens)));
      case Bidirectional pair ->
          Slot.pair(
              pair.name(),
              stage(pair.forward(), bounds, packing(pair, pair.forward(), tokens)),
              stage(pair.backward(), bounds, packing(pair, pair.backward(), tokens)));
      case Backward backward ->
          Slot.backward(
              backward.name(),
              stage(backward.layer(), bounds, packing(layer.name(), layer, tokens)));
      default ->
          Slot.forward(layer.name(), stage(layer, bounds, packing(layer.name(), layer, tokens)));
    };
  }

  private Packing packing(Bidirectional pair, Layer direction, boolean tokens) {
    return packing(pair.name() + "." + direction.name(), pair, tokens);
  }

  /**
   * What a layer is packed with.
   *
   * @param place the name that scales go by
   * @param named the layer that options may name
   */
  private Packing packing(String place, Layer named, boolean tokens) {
    boolean zeroRows = !options.skipping().stillUnits();
    return new Packing(
        backend,
        memory,
        format(named.name()),
        blas(),
        tokens,
        zeroRows,
        options.stateBound(),
        movement(named.name()),
        operands(place));
  }

  /** With nothing skipped, all columns are multiplied in each step, unless values are to lag. */
  private Movement movement(String layer) {
    Movement movement = options.limits().movement(layer);
    boolean skipsNothing = options.skipping().equals(Skipping.NOTHING);
    return skipsNothing && !movement.lags() ? Movement.ALL : movement;
  }

  private Int8Operands operands(String place) {
    return new Int8Operands() {
      @Override
      public float found(OperandRole role) {
        return (float) model.operandScales().scale(place, role).orElse(0);
      }

      @Override
      public void packed(OperandRole role, float scale, boolean proved) {
        OperandScale.Origin origin =
            proved
                ? OperandScale.Origin.PROVED
                : scale > 0 ? OperandScale.Origin.CALIBRATED : OperandScale.Origin.EACH_STEP;
        scales.add(new OperandScale(place, role, origin, scale));
      }
    };
  }

  private Stage stage(Layer layer, List<Double> bounds, Packing packing) {
    return layer instanceof Operation operation
        ? stage(operation, bounds, packing)
        : stage(layer, bounds.getFirst(), packing);
  }

  private static Stage stage(Operation operation, List<Double> bounds, Packing packing) {
    return switch (operation) {
      case IndexMap map -> new IndexMapStage(map, bounds, packing);
      case Elementwise function -> new ElementwiseStage(function, bounds, packing);
      case Combine combine -> new CombineStage(combine, bounds, packing);
      case Constant constant -> new ConstantStage(constant, packing);
      case WeightedSum sum -> new WeightedSumStage(sum, bounds, packing);
      case Reduction reduction -> new ReductionStage(reduction, bounds, packing);
      case Softmax softmax -> new SoftmaxStage(softmax, bounds, packing);
      case Normalise normalise -> new NormaliseStage(normalise, bounds, packing);
      case MatrixProduct product -> new MatrixProductStage(product, bounds, packing);
    };
  }

  private Stage stage(Layer layer, double bound, Packing packing) {
    return switch (layer) {
      case PerPosition positions ->
          new PerPositionStage(positions, stage(positions.layer(), bound, packing));
      case ConditionalGru gru ->
          new ConditionalGruStage(gru, bound, packing, crossover(), options.limits().maxLive());
      case Gru gru -> gru(gru, bound, packing);
      case Lstm lstm -> new LstmStage(lstm, bound, packing);
      case Sru sru -> new SruStage(sru, bound, packing);
      case SimpleRnn rnn -> new SimpleRnnStage(rnn, bound, packing);
      case Embedding embedding -> DenseStage.of(embedding, bound, packing);
      case Dense dense ->
          model.isChain()
              ? DenseStage.of(dense, bound, packing)
              : DenseStage.ofGraph(dense, bound, packing);
      case Positions positions -> new PositionsStage(positions, bound, packing);
      case ConditionalDense dense ->
          new ConditionalDenseStage(dense, bound, packing, crossover(), options.limits().maxLive());
      case Bidirectional _, Backward _, Along _ ->
          throw new IllegalArgumentException(
              "layer %s: a direction cannot have directions of its own".formatted(layer.name()));
      case Operation _ ->
          throw new IllegalArgumentException(
              "layer %s: a direction is a recurrent or a dense layer".formatted(layer.name()));
    };
  }

  private Stage gru(Gru gru, double bound, Packing packing) {
    return switch (gru.reset()) {
      case Reset.AfterMatrix after ->
          approximates(gru)
              ? new CarriedGruStage(
                  gru,
                  after.bh(),
                  options.skipping().epsilon(),
                  bound,
                  packing,
                  crossover(),
                  crossover(),
                  options.limits().maxLive())
              : new GruStage(gru, after.bh(), bound, packing);
      case Reset.BeforeMatrix _ -> new ResetBeforeGruStage(gru, bound, packing);
    };
  }

  /** Layers at positions of a step are computed as they are. */
  private boolean approximates(Gru gru) {
    return options.skipping().approximates(gru)
        && model.layers().stream()
            .noneMatch(layer ->
                layer instanceof Along along && isWithin(gru, along.layer())
                    || layer instanceof PerPosition positions && positions.layer() == gru);
  }

  private static boolean isWithin(Gru gru, Layer layer) {
    return switch (layer) {
      case Bidirectional pair -> pair.forward() == gru || pair.backward() == gru;
      case Backward backward -> backward.layer() == gru;
      default -> layer == gru;
    };
  }

  private Crossover crossover() {
    return new Crossover(options.skipping().stillUnits(), options.crossover());
  }
}
