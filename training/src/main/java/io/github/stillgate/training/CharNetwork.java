package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Recurrent layers and a softmax layer over the characters, as one differentiable function. */
final class CharNetwork {
  static final int TOKENS = CharCorpus.VOCABULARY.length();

  private final Recipe recipe;
  final Parameters parameters;
  final List<RecurrentLayer> layers = new ArrayList<>();
  final NDArray outputWeights;
  final NDArray outputBias;

  CharNetwork(NDManager manager, Recipe recipe) {
    this.recipe = recipe;
    this.parameters = new Parameters(manager, recipe.schedule().seed());
    for (int i = 0; i < recipe.network().layers(); i++) {
      int inputs = i == 0 ? TOKENS : recipe.network().units();
      String name = "rnn" + i;
      layers.add(
          switch (recipe.network().cell()) {
            case GRU, GRU_RESET_BEFORE -> new DenseGruLayer(parameters, name, inputs, recipe);
            case LSTM -> new LstmLayer(parameters, name, inputs, recipe);
            case SRU -> new SruLayer(parameters, name, inputs, recipe);
            case FULL, UNIT, BLOCK, HYBRID ->
                new ConditionalGruLayer(parameters, name, inputs, recipe);
          });
    }
    this.outputWeights = parameters.glorot("out.W", recipe.network().units(), TOKENS);
    this.outputBias = parameters.zeros("out.b", TOKENS);
  }

  /**
   * Takes over what it has in common with an ordinary network of GRUs and a softmax layer.
   *
   * @throws IllegalArgumentException if that has other layers, widths or characters
   */
  void startFrom(Model model) {
    List<Layer> from = model.layers();
    boolean fits =
        model.vocabulary().equals(Optional.of(new Vocabulary(CharCorpus.VOCABULARY)))
            && from.size() == layers.size() + 1
            && from.subList(0, layers.size()).stream().allMatch(layer -> layer instanceof Gru)
            && from.getLast() instanceof Dense;
    if (!fits) {
      throw new IllegalArgumentException(
          "the network to start from must read the characters \"%s\" and have %d GRU layers and a"
                  .formatted(CharCorpus.VOCABULARY, layers.size())
              + " dense one; it has "
              + from.stream().map(layer -> layer.getClass().getSimpleName()).toList());
    }
    for (Layer layer : from) {
      if (!layer.initialState().isZero()) {
        throw new IllegalArgumentException(
            "layer %s of the network to start from begins in a state of its own; training begins with"
                    .formatted(layer.name())
                + " zeros");
      }
    }
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).startFrom((Gru) from.get(i));
    }
    Dense out = (Dense) from.getLast();
    SideBySide.put(outputWeights, 0, out.w());
    SideBySide.put(outputBias, 0, out.b());
  }

  /** Zero states of {@code batch} streams, one array (batch * state width) a layer. */
  List<float[]> zeroState(int batch) {
    List<float[]> state = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      state.add(new float[batch * recipe.network().stateWidth()]);
    }
    return state;
  }

  /**
   * Mean cross entropy of one window in nats, a scalar.
   *
   * @param inputs token numbers, time-major
   * @param targets the next tokens
   * @param state states before the window; replaced by those after it
   * @param live if given, receives each layer's live fraction over the window
   */
  NDArray loss(
      NDManager window,
      int[] inputs,
      int[] targets,
      List<float[]> state,
      boolean training,
      float @Nullable [] live) {
    int width = recipe.network().stateWidth();
    int batch = state.get(0).length / width;
    NDArray x = oneHot(window, inputs);
    for (int i = 0; i < layers.size(); i++) {
      NDArray before = window.create(state.get(i), new Shape(batch, width));
      NDList gates = live == null ? null : new NDList();
      RecurrentLayer.Window after = layers.get(i).run(x, before, training, gates);
      x = after.outputs();
      state.set(i, after.state().toFloatArray());
      if (live != null && gates != null) {
        live[i] = NDArrays.concat(gates, 0).mean().getFloat();
      }
    }
    NDArray logits = x.matMul(outputWeights).add(outputBias);
    // An array and not a number: DJL frees the number's memory while autograd still needs it.
    NDArray perCharacter = window.create(-1f / inputs.length);
    return logits.logSoftmax(-1).mul(oneHot(window, targets)).sum().mul(perCharacter);
  }

  /** Called before each update, counted from 0. */
  void beginUpdate(int update) {
    layers.forEach(layer -> layer.beginUpdate(update));
  }

  /** {@code loss} and the layers' penalties. */
  NDArray withPenalties(NDArray loss) {
    NDArray total = loss;
    for (RecurrentLayer layer : layers) {
      NDArray penalty = layer.penalty();
      total = penalty == null ? total : total.add(penalty);
    }
    return total;
  }

  /** The same network for one stream. */
  Model export() {
    List<Layer> exported = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      exported.add(layers.get(i).export("rnn" + i));
    }
    exported.add(
        new Dense(
            "out",
            new SideBySide(outputWeights).matrix("out.W", 0, TOKENS),
            new SideBySide(outputBias).vector("out.b", 0, TOKENS),
            Activation.SOFTMAX));
    return new Model(exported, new Vocabulary(CharCorpus.VOCABULARY));
  }

  private static NDArray oneHot(NDManager manager, int[] tokens) {
    float[] rows = new float[tokens.length * TOKENS];
    for (int i = 0; i < tokens.length; i++) {
      rows[i * TOKENS + tokens[i]] = 1;
    }
    return manager.create(rows, new Shape(tokens.length, TOKENS));
  }
}
