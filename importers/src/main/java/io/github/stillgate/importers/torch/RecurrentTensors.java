package io.github.stillgate.importers.torch;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the tensors' names say of a GRU, LSTM or RNN module: all its layers have the same tensors,
 * so one that is missing anywhere is a file that was cut, not a smaller module. Those of a single
 * cell have no number of a layer behind their names.
 *
 * @param layers how many are stacked; 0 if the module is not there
 * @param bidirectional whether each reads from both ends
 * @param isCell whether it is a cell, as {@code torch.nn.LSTMCell} is
 */
record RecurrentTensors(int layers, boolean bidirectional, boolean isCell) {
  static final String FORWARD = "";
  static final String REVERSE = "_reverse";

  private static final List<String> WEIGHTS = List.of("weight_ih", "weight_hh");
  private static final List<String> BIASES = List.of("bias_ih", "bias_hh");
  private static final String PROJECTION = "weight_hr";

  /** In messages. */
  private static final int MOST_NAMES = 12;

  /** Such as {@code weight_hh_l1_reverse}, or a cell's {@code weight_hh}. */
  private static final Pattern PART =
      Pattern.compile("((?:weight|bias)_[a-z]+)(?:_l(0|[1-9][0-9]{0,3})(_reverse)?)?");

  /**
   * Reads the names of the module's tensors.
   *
   * @param names of all parameters
   * @throws IllegalArgumentException if a layer, a direction or a tensor of one is missing, or
   *     there is one that such a module does not have; the message names it
   */
  static RecurrentTensors of(Set<String> names, LayerRequest request) {
    String begin = request.tensor("");
    Set<String> parts = new HashSet<>();
    for (String name : names) {
      if (name.startsWith(begin)) {
        String part = name.substring(begin.length());
        if (part.startsWith("weight_") || part.startsWith("bias_")) {
          parts.add(part);
        }
      }
    }
    int layers = 0;
    boolean bidirectional = false;
    Set<String> kinds = new HashSet<>(WEIGHTS);
    Set<String> ofCells = new HashSet<>();
    for (String part : parts) {
      Matcher matcher = PART.matcher(part);
      boolean isCell = matcher.matches() && matcher.group(2) == null;
      if (!matcher.matches() || !known(matcher.group(1), isCell, request)) {
        throw new IllegalArgumentException(
            "%s is no tensor of a %s; its tensors are %s and %s, each behind _l and the layer's number"
                    .formatted(request.tensor(part), request.kind(), WEIGHTS, BIASES)
                + (request.kind() == LayerRequest.Kind.LSTM ? ", and " + PROJECTION : "")
                + ", or the first four without a number in a cell");
      }
      kinds.add(matcher.group(1));
      if (isCell) {
        ofCells.add(part);
      } else {
        layers = Math.max(layers, Integer.parseInt(matcher.group(2)) + 1);
        bidirectional |= matcher.group(3) != null;
      }
    }
    if (layers > 0 && !ofCells.isEmpty()) {
      throw new IllegalArgumentException(
          "%s is a tensor of a cell, but there are those of numbered layers too; save each in a file of"
                  .formatted(request.tensor(ofCells.stream().sorted().toList().getFirst()))
              + " its own, or under a prefix of its own");
    }
    if (BIASES.stream().anyMatch(kinds::contains)) {
      kinds.addAll(BIASES);
    }
    RecurrentTensors found =
        ofCells.isEmpty()
            ? new RecurrentTensors(layers, bidirectional, false)
            : new RecurrentTensors(1, false, true);
    found.requireAll(request, parts, kinds);
    return found;
  }

  private static boolean known(String kind, boolean isCell, LayerRequest request) {
    return WEIGHTS.contains(kind)
        || BIASES.contains(kind)
        || kind.equals(PROJECTION) && !isCell && request.kind() == LayerRequest.Kind.LSTM;
  }

  /** What stands behind the names of a layer's tensors. */
  String suffix(int layer, String direction) {
    return isCell ? "" : "_l" + layer + direction;
  }

  private void requireAll(LayerRequest request, Set<String> parts, Set<String> kinds) {
    List<String> missing = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      for (String direction : bidirectional ? List.of(FORWARD, REVERSE) : List.of(FORWARD)) {
        for (String kind : kinds.stream().sorted().toList()) {
          String part = kind + suffix(layer, direction);
          if (!parts.contains(part)) {
            missing.add(request.tensor(part));
          }
        }
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          "%s is missing, while there are %s; every layer and direction of a module has the same tensors"
                  .formatted(
                      String.join(", ", missing.subList(0, Math.min(MOST_NAMES, missing.size()))),
                      parts.stream().sorted().limit(MOST_NAMES).toList())
              + " (PyTorch writes both biases or none), so save the whole state dict");
    }
  }
}
