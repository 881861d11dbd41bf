package io.github.stillgate.importers.rtneural;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.GruOrder;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.LstmOrder;
import io.github.stillgate.importers.StackedGates;
import io.github.stillgate.importers.StackedGru;
import io.github.stillgate.importers.StackedLstm;
import io.github.stillgate.importers.UpdateConvention;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tensors of a PyTorch state dict as JSON: {@code name.weight_ih_l0} and so on of an LSTM or a
 * GRU, {@code name.weight} and {@code name.bias} of a linear module. A recurrent module's kind
 * shows in how many gates its matrices have.
 */
final class JsonStateDict {
  private static final int GRU_GATES = 3;
  private static final int LSTM_GATES = 4;

  private static final Pattern TENSOR =
      Pattern.compile(
          "(.+)\\.(weight_ih_l(\\d{1,4})|weight_hh_l\\d{1,4}|bias_ih_l\\d{1,4}"
              + "|bias_hh_l\\d{1,4}|weight|bias)");

  private final JsonFile file;
  private final JsonNode tensors;

  /** The tensors by their modules, in the order of the text. */
  private final Map<String, Set<String>> modules = new LinkedHashMap<>();

  /**
   * Sorts {@code tensors}.
   *
   * @throws io.github.stillgate.importers.UnsupportedNetworkException if a name is none of a module
   *     that is read
   */
  JsonStateDict(JsonFile file, JsonNode tensors) {
    this.file = file;
    this.tensors = tensors;
    for (Map.Entry<String, JsonNode> tensor : tensors.properties()) {
      Matcher name = TENSOR.matcher(tensor.getKey());
      if (!name.matches()) {
        throw file.unsupported(
            "tensor %s is of no module that is read; those are LSTM and GRU of one direction without a"
                    .formatted(tensor.getKey())
                + " projection, and Linear");
      }
      modules.computeIfAbsent(name.group(1), _ -> new LinkedHashSet<>()).add(name.group(2));
    }
  }

  /** Whether an object holds nothing but arrays named as those tensors are, weights among them. */
  static boolean isOne(JsonNode root) {
    return root.size() > 0
        && root.properties().stream()
            .allMatch(field -> field.getKey().contains(".") && field.getValue().isArray())
        && root.properties().stream().anyMatch(field -> field.getKey().contains(".weight"));
  }

  /** The modules of a file that holds nothing else, in its order. */
  static ImportedNetwork network(JsonFile file) {
    JsonStateDict dict = new JsonStateDict(file, file.root());
    List<Layer> layers = new ArrayList<>();
    dict.names().forEach(module -> layers.addAll(dict.layers(module)));
    return new ImportedNetwork(
        new Model(layers),
        List.of(
            "the file says neither the order of its modules nor what stands between them: taken as they"
                + " come, %s, with nothing between; check with --verify"
                    .formatted(String.join(", ", dict.names()))));
  }

  /** Names of the modules. */
  Set<String> names() {
    return modules.keySet();
  }

  /** The layers of a module, more than one if it is a stack. */
  List<Layer> layers(String module) {
    Set<String> has = modules.getOrDefault(module, Set.of());
    if (has.contains("weight") || has.contains("bias")) {
      return List.of(linear(module, has));
    }
    List<Layer> layers = new ArrayList<>();
    Set<String> expected = new HashSet<>();
    for (int i = 0; has.contains("weight_ih_l" + i); i++) {
      expected.addAll(List.of("weight_ih_l" + i, "weight_hh_l" + i));
      if (has.contains("bias_ih_l0")) {
        expected.addAll(List.of("bias_ih_l" + i, "bias_hh_l" + i));
      }
    }
    if (expected.isEmpty() || !has.equals(expected)) {
      throw file.broken(
          "module %s has the tensors %s; a layer l0 and those above it have weight_ih, weight_hh and,"
                  .formatted(module, has)
              + " all or none, bias_ih and bias_hh");
    }
    for (int i = 0; has.contains("weight_ih_l" + i); i++) {
      layers.add(recurrent(module, has, i));
    }
    return layers;
  }

  private Dense linear(String module, Set<String> has) {
    String name = module + ".weight";
    List<Integer> shape = shape(name);
    if (shape.size() != 2 || !has.equals(Set.of("weight", "bias"))) {
      throw file.unsupported(
          "module %s has the tensors %s, weight of shape %s; of modules without gates Linear is read:"
                  .formatted(module, has, shape)
              + " weight of 2 dimensions and bias");
    }
    return new Dense(
        module,
        Matrix.of(name, shape.get(0), shape.get(1), floats(name, shape.get(0), shape.get(1))),
        Matrix.vector(module + ".bias", floats(module + ".bias", shape.get(0))),
        Activation.LINEAR);
  }

  private Layer recurrent(String module, Set<String> has, int layer) {
    String over = module + ".weight_ih_l" + layer;
    String state = module + ".weight_hh_l" + layer;
    List<Integer> w = shape(over);
    List<Integer> u = shape(state);
    if (w.size() != 2 || u.size() != 2 || u.get(1) < 1 || w.get(0) % u.get(1) != 0) {
      throw file.broken(
          "%s has shape %s and %s %s; expected two matrices of as many rows for some gates"
              .formatted(over, w, state, u));
    }
    int rows = w.get(0);
    int inputs = w.get(1);
    int units = u.get(1);
    int count = rows / units;
    if (count != LSTM_GATES && count != GRU_GATES) {
      throw file.unsupported(
          "%s has %d rows for %d units: %d gates, where an LSTM has 4 and a GRU 3; a plain RNN does not"
                  .formatted(over, rows, units, count)
              + " say its activation here: save its state dict as safetensors and give --layers");
    }
    Optional<float[]> inputBias = bias(module + ".bias_ih_l" + layer, rows, has);
    Optional<float[]> stateBias = bias(module + ".bias_hh_l" + layer, rows, has);
    StackedGates gates =
        new StackedGates(
            inputs,
            units,
            units,
            floats(over, rows, inputs),
            floats(state, rows, units),
            inputBias,
            stateBias);
    String name = has.contains("weight_ih_l1") ? module + ".l" + layer : module;
    return count == LSTM_GATES
        ? new StackedLstm(
                gates,
                LstmOrder.I_F_G_O,
                false,
                Optional.empty(),
                Optional.empty(),
                Lstm.Activations.STANDARD)
            .toLayer(name)
        : new StackedGru(
                gates,
                GruOrder.R_Z_C,
                UpdateConvention.WEIGHS_OLD_STATE,
                true,
                Activation.SIGMOID,
                Activation.TANH)
            .toLayer(name);
  }

  private Optional<float[]> bias(String name, int rows, Set<String> has) {
    return has.contains(name.substring(name.lastIndexOf('.') + 1))
        ? Optional.of(floats(name, rows))
        : Optional.empty();
  }

  private List<Integer> shape(String name) {
    return file.shape(tensors.path(name));
  }

  private float[] floats(String name, int... shape) {
    return file.floats(tensors.path(name), name, shape);
  }
}
