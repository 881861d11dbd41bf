package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.CheckedBackend;
import io.github.stillgate.core.kernel.DenseProducts;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.stage.CarriedGruStage;
import io.github.stillgate.core.stage.ConditionalDenseStage;
import io.github.stillgate.core.stage.ConditionalGruStage;
import io.github.stillgate.core.stage.Crossover;
import io.github.stillgate.core.stage.DenseStage;
import io.github.stillgate.core.stage.GruStage;
import io.github.stillgate.core.stage.Int8Operands;
import io.github.stillgate.core.stage.LstmStage;
import io.github.stillgate.core.stage.Network;
import io.github.stillgate.core.stage.Packing;
import io.github.stillgate.core.stage.ResetBeforeGruStage;
import io.github.stillgate.core.stage.SimpleRnnStage;
import io.github.stillgate.core.stage.Slot;
import io.github.stillgate.core.stage.SruStage;
import io.github.stillgate.core.stage.Stage;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes stages of layers: the only place that knows which stage runs which layer. */
final class Compiler {
  private final PlanOptions options;
  private final Backend backend;
  private final Arena memory;
  private final OperandScales found;
  private final Set<OperandScale> scales;

  private Compiler(
      PlanOptions options,
      Backend backend,
      Arena memory,
      OperandScales found,
      Set<OperandScale> scales) {
    this.options = options;
    this.backend = backend;
    this.memory = memory;
    this.found = found;
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
    Network network =
        Network.pack(
            model.inputs(),
            options.threads().team(),
            memory ->
                new Compiler(options, used, memory, model.operandScales(), scales)
                    .slots(model, inputBound));
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

  private List<Slot> slots(Model model, double inputBound) {
    List<Slot> slots = new ArrayList<>();
    double bound = inputBound;
    boolean tokens = model.readsTokens();
    for (Layer layer : model.layers()) {
      Slot slot = slot(layer, bound, tokens);
      slots.add(slot);
      bound = slot.outputBound();
      tokens = false;
    }
    return slots;
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

  private Slot slot(Layer layer, double bound, boolean tokens) {
    return switch (layer) {
      case Bidirectional pair ->
          Slot.pair(
              pair.name(),
              stage(pair.forward(), bound, packing(pair, pair.forward(), tokens)),
              stage(pair.backward(), bound, packing(pair, pair.backward(), tokens)));
      case Backward backward ->
          Slot.backward(
              backward.name(),
              stage(backward.layer(), bound, packing(layer.name(), layer, tokens)));
      default ->
          Slot.forward(layer.name(), stage(layer, bound, packing(layer.name(), layer, tokens)));
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
        return (float) found.scale(place, role).orElse(0);
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

  private Stage stage(Layer layer, double bound, Packing packing) {
    return switch (layer) {
      case ConditionalGru gru ->
          new ConditionalGruStage(gru, bound, packing, crossover(), options.limits().maxLive());
      case Gru gru -> gru(gru, bound, packing);
      case Lstm lstm -> new LstmStage(lstm, bound, packing);
      case Sru sru -> new SruStage(sru, bound, packing);
      case SimpleRnn rnn -> new SimpleRnnStage(rnn, bound, packing);
      case Embedding embedding -> DenseStage.of(embedding, bound, packing);
      case Dense dense -> DenseStage.of(dense, bound, packing);
      case ConditionalDense dense ->
          new ConditionalDenseStage(dense, bound, packing, crossover(), options.limits().maxLive());
      case Bidirectional _, Backward _ ->
          throw new IllegalArgumentException(
              "layer %s: a direction cannot have directions of its own".formatted(layer.name()));
    };
  }

  private Stage gru(Gru gru, double bound, Packing packing) {
    return switch (gru.reset()) {
      case Reset.AfterMatrix after ->
          options.skipping().approximates(gru)
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

  private Crossover crossover() {
    return new Crossover(options.skipping().stillUnits(), options.crossover());
  }
}
