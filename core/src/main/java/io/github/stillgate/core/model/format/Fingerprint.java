package io.github.stillgate.core.model.format;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * The first 64 bits of a SHA-256 over everything that decides what a model computes: for each layer
 * the words that its {@link LayerFormat} and {@code docs/format.md} have for its kind, its tensors
 * by their names there, and the constants of its activations as bits. No name of a class, a
 * record's component or a constant of this code is in it, so none can change it; {@code
 * FingerprintTest} pins one value per kind.
 *
 * <p>Every word and list is preceded by its length, so that no two models give the same bytes.
 */
public final class Fingerprint {
  private final Digest digest = new Digest();

  private Fingerprint() {}

  /** The bits of these layers. */
  public static long of(List<Layer> layers) {
    Fingerprint fingerprint = new Fingerprint();
    fingerprint.word("stillgate 2");
    fingerprint.count(layers.size());
    layers.forEach(fingerprint::layer);
    return fingerprint.digest.first64();
  }

  /** The bits of a graph: values go by their numbers, not by their names. */
  public static long of(Graph graph) {
    Fingerprint fingerprint = new Fingerprint();
    fingerprint.word("stillgate graph");
    fingerprint.graph(graph);
    return fingerprint.digest.first64();
  }

  private void graph(Graph graph) {
    List<String> values = graph.values();
    Map<String, Integer> numbers = new HashMap<>();
    for (String value : values) {
      numbers.put(value, numbers.size());
    }
    count(graph.inputs().size());
    graph.inputs().forEach(input -> count(input.width()));
    count(graph.states().size());
    for (Graph.State state : graph.states()) {
      count(state.width());
      state
          .initial()
          .ifPresentOrElse(
              initial -> {
                word("initial");
                digest.matrix(initial);
              },
              () -> word("zeros"));
      count(numbers.get(state.next()));
    }
    count(graph.nodes().size());
    for (Graph.Node node : graph.nodes()) {
      layer(node.layer());
      count(node.inputs().size());
      node.inputs().forEach(input -> count(numbers.get(input)));
    }
    count(graph.outputs().size());
    graph.outputs().forEach(output -> count(numbers.get(output)));
  }

  /** A layer in a model or in another layer. */
  void layer(Layer layer) {
    LayerFormats.of(layer).identify(layer, this);
  }

  void activation(Activation activation) {
    switch (activation) {
      case Activation.Softmax _ -> word("softmax");
      case Activation.Elementwise function -> {
        word("steps");
        count(function.steps().size());
        for (Activation.Step step : function.steps()) {
          word(ActivationFormat.name(step.function()));
          count(Float.floatToRawIntBits(step.a()));
          count(Float.floatToRawIntBits(step.b()));
        }
      }
    }
  }

  /** Names, shapes and values. */
  void tensors(SequencedMap<String, Matrix> tensors) {
    for (Map.Entry<String, Matrix> tensor : tensors.entrySet()) {
      word(tensor.getKey());
      digest.matrix(tensor.getValue());
    }
    word("");
  }

  void word(String text) {
    digest.number(text.length()).text(text);
  }

  void count(int value) {
    digest.number(value);
  }
}
